// Comforts only: every page works without this file.
"use strict";

// Buttons that copy a text are of no use without a script, so they are hidden until here.
for (const button of document.querySelectorAll("button.copy")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const before = [...button.childNodes];
    button.textContent = "Copied";
    setTimeout(() => { button.replaceChildren(...before); }, 2000);
  });
}

// Names of people and groups are completed from the directory while they are typed; of several, the last one.
for (const field of document.querySelectorAll("input[data-complete]")) {
  let timer;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => complete(field), 200);
  });
}

async function complete(field) {
  const typed = field.value;
  const [, before, prefix] = typed.match(/^(.*?)([^\s,]*)$/s);
  if (!prefix) return;
  const answer = await fetch(`/complete?prefix=${encodeURIComponent(prefix)}`);
  if (!answer.ok || field.value !== typed) return;
  const found = await answer.json();
  const names = field.dataset.complete === "groups"
    ? found.groups.map((name) => ({ name }))
    : found.people;
  field.list.replaceChildren(...names.map(({ name, full_name }) => {
    const option = document.createElement("option");
    option.value = before + name;
    if (full_name) option.label = full_name;
    return option;
  }));
}

// What is shown once is in front of everything, and only its own button leads away from it.
for (const dialog of document.querySelectorAll("dialog.once")) {
  dialog.close();
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.showModal();
}
