// What is painted over while a picture is taken.

const COLOUR = '#ff00ff';
let covers = null;

// Covers every element that the selectors fit; answers how many. `uncover` takes it away.
cloche.cover = ({selectors, deadline_ms}) => {
  cloche.uncover();
  const until = cloche.now() + deadline_ms;
  const found = selectors.flatMap((parts) => cloche.findAll(parts, until)).slice(0, 1000);
  if (!found.length) return 0;
  covers = document.createElement('div');
  cloche.ours.add(covers);
  const root = covers.attachShadow({mode: 'closed'});
  for (const element of found) {
    const box = cloche.boxOf(element);
    const cover = document.createElement('div');
    cover.style.cssText = `position:absolute;left:${box.x + scrollX}px;top:${box.y + scrollY}px;width:${box.width}px;` +
      `height:${box.height}px;background:${COLOUR};`;
    root.append(cover);
  }
  covers.style.cssText = 'all:initial;position:absolute;left:0;top:0;width:0;height:0;z-index:2147483647;' +
    'pointer-events:none;overflow:visible;';
  document.documentElement.append(covers);
  return found.length;
};

cloche.uncover = () => {
  covers?.remove();
  covers = null;
};

// How large all is; CSS pixels.
cloche.layout = () => {
  const root = document.scrollingElement || document.documentElement;
  return {
    viewport_width: innerWidth,
    viewport_height: innerHeight,
    device_scale_factor: devicePixelRatio,
    document_scroll_width: root?.scrollWidth ?? 0,
    document_scroll_height: root?.scrollHeight ?? 0,
    document_client_width: root?.clientWidth ?? 0,
    document_client_height: root?.clientHeight ?? 0,
  };
};
