import "@tanstack/react-query";

declare module "@tanstack/react-query" {
  interface Register {
    queryMeta: {
      /** Not read again because something has changed on the server. */
      isKept?: boolean;
    };
  }
}
