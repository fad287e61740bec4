// Brings the page into the states that are measured, and that are looked at. Runs in the page, which has no script of
// its own: a stylesheet cannot change what happens here.
(() => {
  const STEP = 60; // milliseconds of an animation from one frame to the next
  const root = document.documentElement;
  const menu = document.querySelector(".menu");
  const cards = document.querySelectorAll(".card");
  const chips = document.querySelectorAll(".chip");

  const show = (kind) => {
    for (const card of cards) card.hidden = kind !== "all" && card.dataset.kind !== kind;
    for (const chip of chips) chip.classList.toggle("chip-on", chip.dataset.show === kind);
  };

  const states = {
    start: () => {},
    menu: () => menu.classList.add("open"),
    filtered: () => (menu.classList.remove("open"), show("wood")),
    all: () => show("all"),
    low: () => scrollTo(0, 1500),
    evening: () => root.classList.add("evening"),
  };

  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

  // What a change of state sets off is brought to its end at once: nothing of its cost is left for later. What moves
  // for ever moves by our steps and not by the clock, so that every measurement paints as many frames of it.
  let now = 0;
  const move = () => {
    now += STEP;
    for (const animation of document.getAnimations()) {
      if (animation instanceof CSSTransition) {
        animation.finish();
      } else {
        animation.pause();
        animation.currentTime = now;
      }
    }
  };
  const settle = async (frames) => {
    root.getBoundingClientRect();
    for (let count = 0; count < frames; count += 1) {
      move();
      await frame();
    }
  };

  window.drive = {
    settle,
    async still(frames) {
      for (let count = 0; count < frames; count += 1) await frame();
    },
    async go(name, frames) {
      states[name]();
      await settle(frames);
    },
  };
})();
