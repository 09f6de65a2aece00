// What every other file stands on: failures, deadlines, and refs.

class Failure extends Error {
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

cloche.fail = (code, detail) => new Failure(code, String(detail || '').slice(0, 500));

// Runs one function for the daemon. Answers {value} or {error: [code, detail]}, never a rejected promise.
cloche.run = async (name, args) => {
  try {
    const value = await cloche[name](args);
    return {value: value === undefined ? null : value};
  } catch (error) {
    if (error instanceof Failure) return {error: [error.code, error.message]};
    return {error: ['browser_failed', `${name}: ${String(error && error.message)}`.slice(0, 500)]};
  }
};

// Milliseconds on a clock that the page cannot move.
cloche.now = () => performance.now();

// Waits for the next frame, or where none is drawn (a tab in the back) for a moment.
cloche.nextFrame = () => new Promise((resolve) => {
  const timer = setTimeout(resolve, 50);
  requestAnimationFrame(() => {
    clearTimeout(timer);
    resolve();
  });
});

cloche.sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// --- refs: element <-> number, for this document only; `cloche.document` is the document's name, set by the daemon ---

const numbers = new WeakMap();
const elements = new Map();
let lastNumber = 0;

cloche.refOf = (element) => {
  let number = numbers.get(element);
  if (number === undefined) {
    number = ++lastNumber;
    numbers.set(element, number);
    elements.set(number, new WeakRef(element));
  }
  return cloche.document + number;
};

// The element of a ref of this document. What has left the document is stale, also when it still exists.
cloche.elementOf = (ref) => {
  const number = Number(ref.slice(4));
  if (!(number >= 1 && number <= lastNumber)) throw cloche.fail('unknown_ref', `no snapshot has shown ${ref}`);
  const element = elements.get(number)?.deref();
  if (!element || !element.isConnected) {
    throw cloche.fail('stale_ref', `the element of ${ref} is no longer on the page; take a new snapshot`);
  }
  return element;
};
