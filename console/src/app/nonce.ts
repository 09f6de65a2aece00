/**
 * The page's policy lets in style elements with its nonce alone. Mantine asks for it; the terminal does not, so every
 * style element that a script of this page makes gets it.
 */
export const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";

const make = document.createElement.bind(document) as (name: string, options?: ElementCreationOptions) => HTMLElement;

document.createElement = (name: string, options?: ElementCreationOptions): HTMLElement => {
  const element = make(name, options);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
};
