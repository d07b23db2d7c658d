"use strict";

/** Light or dark: as the site around this page has it, or else the system. It runs before anything is drawn. */
const Theme = (() => {
  const root = document.documentElement;

  /** What the site keeps: "light", "dark" or "auto"; nothing where storage is closed to this page. */
  function stored(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  }

  function store(theme) {
    try {
      localStorage.setItem("mode", theme);
      localStorage.setItem("theme", theme);
    } catch {
      // Then it holds for this visit.
    }
  }

  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isChosen = () => ["light", "dark"].includes(root.dataset.mode);
  const follow = () => (root.dataset.theme = isChosen() ? root.dataset.mode : prefersDark.matches ? "dark" : "light");

  /** Switch to the other, and let the button say to which it leads. */
  function toggle() {
    root.dataset.mode = root.dataset.theme === "dark" ? "light" : "dark";
    store(follow());
  }

  root.dataset.mode = stored("mode") ?? "auto";
  follow();
  prefersDark.addEventListener("change", follow);
  return { toggle };
})();
