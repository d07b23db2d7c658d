"use strict";

/** The form is put together from controls; each says what one sees, and where to read on. */
VQ.form = (() => {
  const form = document.getElementById("controls");

  const GUIDE = { "dead-codes": "dead codes", "moving-averages": "moving averages" }; // where the name is not the text

  /** A link to a clause or a sentence of the specification, or to a page of the guide. */
  function link(place) {
    const [clause, sentence] = place.split(".");
    if (!Number(clause)) return `<a href="../learn/${place}.html">${GUIDE[place] ?? place}</a>`;
    const anchor = sentence ? `#vq-${clause}-${sentence}` : "";
    return `<a href="../clauses/vq-${clause.padStart(2, "0")}.html${anchor}">VQ-${place}</a>`;
  }

  const hint = (id, says, read) =>
    `<p class="hint" id="${id}-hint">${says} <span class="links">Read: ${read.map(link).join(", ")}.</span></p>`;

  const bound = (setting, needsNorm) => `data-setting="${setting}"${needsNorm ? " data-needs-norm" : ""}`;

  /** How the arrows of a loss look. */
  const swatch = (loss) =>
    `<svg class="swatch" width="28" height="10" aria-hidden="true">
      <line class="arrow ${loss}" x1="1" y1="5" x2="27" y2="5" />
    </svg>`;

  const range = ({ id, label, setting, from, to, step, unit = "", loss, needsNorm, says, read }) =>
    `<div class="control">
      <label for="${id}">${loss ? swatch(loss) : ""}${label}</label>
      <output for="${id}" data-unit="${unit}" aria-live="off"></output>
      <input type="range" id="${id}" ${bound(setting, needsNorm)} min="${from}" max="${to}" step="${step}"
        aria-describedby="${id}-hint" />
      ${hint(id, says, read)}
    </div>`;

  const checkbox = ({ id, label, setting, needsNorm, says, read }) =>
    `<div class="control">
      <label class="choice">
        <input type="checkbox" id="${id}" ${bound(setting, needsNorm)} aria-describedby="${id}-hint" /> ${label}
      </label>
      ${hint(id, says, read)}
    </div>`;

  const radio = (name, setting, { value, label, needsNorm }) =>
    `<label class="choice">
      <input type="radio" name="${name}" value="${value}" ${bound(setting, needsNorm)} /> ${label}
    </label>`;

  const radios = ({ id, label, setting, options, says, read }) =>
    `<fieldset class="control" aria-describedby="${id}-hint">
      <legend>${label}</legend>
      <div class="choices">${options.map((option) => radio(id, setting, option)).join("")}</div>
      ${hint(id, says, read)}
    </fieldset>`;

  const select = ({ id, label, setting, options, says, read }) =>
    `<div class="control">
      <label for="${id}">${label}</label>
      <select id="${id}" ${bound(setting)} aria-describedby="${id}-hint">
        ${options.map((option) => `<option value="${option.value}">${option.label}</option>`).join("")}
      </select>
      ${hint(id, says, read)}
    </div>`;

  const button = ({ action, label, says, read }) =>
    `<div class="control">
      <button type="button" data-action="${action}" aria-describedby="${action}-hint">${label}</button>
      ${hint(action, says, read)}
    </div>`;

  /** Add a section of controls to the form. */
  function section(id, title, controls) {
    const heading = `<h2 id="${id}-title">${title}</h2>`;
    const html = `<section aria-labelledby="${id}-title">${heading}${controls.join("")}</section>`;
    form.insertAdjacentHTML("beforeend", html);
  }

  return { range, checkbox, radios, select, button, section };
})();
