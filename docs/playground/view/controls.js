"use strict";

/** The form: each control has the name of a setting, with dots for those within another. */
VQ.controls = (() => {
  const form = document.getElementById("controls");

  const valueOf = (control) =>
    control.type === "checkbox" ? control.checked : control.type === "range" ? Number(control.value) : control.value;

  const read = (world, path) => path.split(".").reduce((inner, name) => inner[name], world);

  /** An object with the value at a path changed. */
  function changed(object, [name, ...rest], value) {
    return { ...object, [name]: rest.length ? changed(object[name], rest, value) : value };
  }

  /** What a range says beside it. */
  function showValue(control) {
    const output = form.querySelector(`output[for="${control.id}"]`);
    if (!output) return;
    const text = control.value.replace("-", "−") + output.dataset.unit;
    if (output.textContent !== text) output.textContent = text;
  }

  /** Let all controls say what the world does; those that need a norm rest under the cosine (VQ-17.21). */
  function draw(world) {
    for (const control of form.querySelectorAll("[data-setting]")) {
      const value = read(world, control.dataset.setting);
      if (control.type === "checkbox") control.checked = value;
      else if (control.type === "radio") control.checked = control.value === value;
      else control.value = value;
      showValue(control);
    }
    for (const control of form.querySelectorAll("[data-needs-norm]")) control.disabled = world.comparison === "cosine";
  }

  /** Call `change` with a path and a value, as the user changes a setting. */
  function listen(change) {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", ({ target }) => {
      if (target.dataset.setting) change(target.dataset.setting.split("."), valueOf(target));
    });
  }

  return { changed, draw, listen };
})();
