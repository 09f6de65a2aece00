// Waits for elements and texts to come and go.

const STEP_MS = [16, 16, 33, 50, 100];

function standOf(parts, until) {
  const found = cloche.findAll(parts, until);
  return {attached: found.length, visible: found.some(cloche.isVisible)};
}

function holds(stand, state) {
  switch (state) {
    case 'attached': return stand.attached > 0;
    case 'detached': return stand.attached === 0;
    case 'hidden': return !stand.visible;
    default: return stand.visible;
  }
}

// Which of what is waited for is so in this document: {selector, text}. Answers when one is, or after `patience_ms`.
cloche.await = async ({parts, state, text_parts, poll_ms, patience_ms, deadline_ms}) => {
  const began = cloche.now();
  const until = began + deadline_ms;
  for (let turn = 0; ; turn++) {
    const turned = cloche.now();
    const selector = parts ? holds(standOf(parts, until), state) : false;
    const text = !selector && text_parts ? standOf(text_parts, until).visible : false;
    if (selector || text) return {selector, text};
    const pause = Math.max(poll_ms || STEP_MS[Math.min(turn, STEP_MS.length - 1)], cloche.now() - turned);
    if (cloche.now() + pause >= began + Math.min(patience_ms, deadline_ms)) return {selector, text};
    await cloche.sleep(pause);
  }
};
