/**
 * The page's policy lets in style elements with its nonce alone. Mantine asks for it; the terminal does not, so every
 * style element that a script of this page makes gets it.
 */
export const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";

// The linter knows one of its many signatures as deprecated.
// eslint-disable-next-line @typescript-eslint/no-deprecated
document.createElement = new Proxy(document.createElement.bind(document), {
  apply: (make, _, given: [string, ElementCreationOptions?]) => {
    const element = make(...given);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  },
});
