// What a reader gets of the page as it stands: for every element with text of its own what the browser computed, and
// what no stylesheet for this page may say. Answers in the page's order; never judges numbers (evaluate.py does).
(() => {
  const CONTROLS = "button, input, select, textarea";
  const TYPE = [
    "font-family", "font-size", "font-style", "letter-spacing", "word-spacing", "text-indent", "text-transform",
    "text-decoration-line", "-webkit-text-security", "direction", "unicode-bidi", "writing-mode", "white-space",
    "font-variant", "font-feature-settings", "font-size-adjust", "font-stretch", "text-orientation", "text-overflow",
    "content", "line-height", "rotate", "scale", "hyphens", "-webkit-text-stroke-width",
  ];
  const LINE = ["background-image", "clip-path", "mask-image", "mix-blend-mode", "opacity", "transform", "clip", "zoom"];
  const SHADOWS = /^(none|(drop-shadow\((rgba?|color)\([^()]*\)[^()]*\) ?)+)$/;
  const ALLOWED = new Set(["CSSStyleRule", "CSSImportRule", "CSSKeyframesRule", "CSSKeyframeRule", "CSSLayerBlockRule",
    "CSSLayerStatementRule", "CSSSupportsRule", "CSSPropertyRule", "CSSNestedDeclarations"]);

  const wanted = () => [...document.body.querySelectorAll("*")].filter((element) =>
    !element.closest("[aria-hidden], [hidden], option, .menu:not(.open) .menu-list") &&
    (element.matches(CONTROLS) || [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())));

  const name = (element) => {
    const own = element.id ? `#${element.id}` : element.classList[0] ? `.${element.classList[0]}` : "";
    const near = own ? null : element.closest("[id]");
    return `${near && near !== element ? `#${near.id} ` : ""}${element.localName}${own}`;
  };

  const upright = (transform) => {
    const matrix = new DOMMatrix(transform === "none" ? "" : transform);
    return matrix.m11 === 1 && matrix.m22 === 1 && matrix.m33 === 1 && matrix.m12 === 0 && matrix.m21 === 0 &&
      matrix.m13 === 0 && matrix.m31 === 0 && matrix.m23 === 0 && matrix.m32 === 0 && matrix.m34 === 0;
  };

  // What would show an element, and all within it, otherwise than it is: kept per element for one look.
  const known = new Map();
  const veils = (element) => {
    if (!known.has(element)) {
      const style = getComputedStyle(element);
      const found = LINE.map((property) => [property, style.getPropertyValue(property)]).filter(([property, value]) =>
        !["none", "normal", "auto", "1", ""].includes(value) && !(property === "transform" && upright(value)) &&
        !(property === "background-image" && element === document.body));
      if (!SHADOWS.test(style.filter)) found.push(["filter", style.filter]);
      known.set(element, found.map(([property, value]) => `has ${property}: ${value.slice(0, 60)} on ${name(element)}`));
    }
    return known.get(element);
  };

  const generated = () => [...document.querySelectorAll("*")].flatMap((element) =>
    ["::before", "::after", "::marker"].map((part) => getComputedStyle(element, part).content)
      .filter((content) => !["none", "normal", '""'].includes(content))
      .map((content) => `${name(element)} has text that is not the page's: ${content.slice(0, 60)}`));

  const unasked = () => [...document.querySelectorAll(".menu:not(.open) .menu-link, .card[hidden]")]
    .filter((element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
    .map((element) => `${name(element)} is shown, and nobody asked for it`);

  const told = (element) => {
    const style = getComputedStyle(element);
    const problems = [];
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) problems.push("is not visible");
    for (let above = element; above; above = above.parentElement) problems.push(...veils(above));
    if (style.webkitTextFillColor !== style.color) problems.push("is filled with another colour than its own");
    const box = element.getBoundingClientRect();
    return {
      name: name(element),
      box: [box.x, box.y + (element.closest(".top") ? 0 : scrollY), box.width, box.height].map((v) => Math.round(v * 10) / 10),
      type: TYPE.map((property) => style.getPropertyValue(property)).join("|"),
      problems,
    };
  };

  // What a declaration says, its escapes read as the browser reads them.
  const plain = (text) => text.replace(/\\([0-9a-f]{1,6})\s?/gi, (_, code) => String.fromCodePoint(Math.min(parseInt(code, 16), 0x10ffff)))
    .replaceAll("\\", "");

  const rules = (list, sheets, problems) => {
    for (const rule of list) {
      const kind = rule.constructor.name;
      if (!ALLOWED.has(kind)) problems.push(`has a rule of a kind that is not for this page: ${rule.cssText.slice(0, 60)}`);
      if (rule instanceof CSSImportRule) {
        const always = rule.media.mediaText === "" && !rule.supportsText;
        if (!always || !sheets.includes(rule.href)) problems.push(`imports what the page does not have: ${rule.cssText.slice(0, 80)}`);
        else if (rule.styleSheet) rules(rule.styleSheet.cssRules, [], []);
        continue;
      }
      if (rule.style && /(url|src|image-set|image|element|paint|attr)\(/i.test(plain(rule.style.cssText))) {
        problems.push(`names a resource: ${rule.cssText.slice(0, 80)}`);
      }
      if (rule.style && /[\d.][sld]?(v|cq)(w|h|i|b|min|max)\b/i.test(plain(rule.style.cssText))) {
        problems.push(`measures by the size of the screen: ${rule.cssText.slice(0, 80)}`);
      }
      if (rule.selectorText && /::(?!before|after)/.test(rule.selectorText)) {
        problems.push(`styles a part of an element: ${rule.selectorText.slice(0, 80)}`);
      }
      if (rule.cssRules) rules(rule.cssRules, sheets, problems);
    }
  };

  const moving = () => document.getAnimations().filter((animation) => {
    const target = animation.effect.target;
    return !(animation instanceof CSSTransition) && (!target.closest("[aria-hidden]") || target.querySelector("*:not(i)"));
  }).map((animation) => `${name(animation.effect.target)} is animated, and is no decoration`);

  const still = new CSSStyleSheet();
  still.replaceSync("* { transition: none !important; color: transparent !important;" +
    " -webkit-text-fill-color: transparent !important; text-shadow: none !important; caret-color: transparent !important; }");

  const inner = (element) => {
    if (element.matches("input, select, textarea")) return [element.getBoundingClientRect()];
    const range = document.createRange();
    const found = [];
    for (const node of element.childNodes) {
      if (node.nodeType !== 3 || !node.data.trim()) continue;
      range.selectNodeContents(node);
      found.push(...range.getClientRects());
    }
    return found;
  };

  window.seen = {
    rules(sheets) {
      const problems = [];
      for (const sheet of document.styleSheets) rules(sheet.cssRules, sheets, problems);
      return problems.slice(0, 5);
    },
    told() {
      known.clear();
      const problems = [...moving(), ...generated(), ...unasked()];
      return { problems: problems.slice(0, 5), elements: wanted().map(told) };
    },
    height: () => Math.max(document.documentElement.scrollHeight, document.body.scrollHeight),
    async at(top) {
      scrollTo(0, top);
      await drive.settle(2);
    },
    // Where text stands, of what lies whole between `top` (the header's text: 0) and `bottom`. Pixels of the screen.
    text: (top, bottom) => wanted().map((element, number) => {
      const head = element.closest(".top");
      const rects = inner(element).filter((r) => r.width >= 1 && r.height >= 1);
      const free = rects.length && rects.every((r) => r.top >= (head ? 0 : top) && r.bottom <= bottom && r.left >= 0 && r.right <= innerWidth);
      return free ? [number, ...rects.flatMap((r) => [r.left, r.top, r.right, r.bottom])] : null;
    }).filter(Boolean),
    async hide(hidden) {
      document.adoptedStyleSheets = hidden ? [still] : [];
      if (hidden) await drive.still(2);
    },
  };
})();
