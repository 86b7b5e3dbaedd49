// Shows the expiry of a link in the time zone of the browser. Without this script the field is in
// the time zone of the server, which is named beside it.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const field = document.getElementById("expires");
  const instant = document.getElementById("expires-at");
  const zone = document.getElementById("expires-zone");
  const name = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  // A text that is not a time stays as it was entered.
  if (!field || !instant || !zone || !name || (field.value && !field.dataset.instant)) return;

  const two = (number) => String(number).padStart(2, "0");
  const stored = new Date(field.dataset.instant || "");
  if (!Number.isNaN(stored.getTime())) {
    field.value = String(stored.getFullYear()).padStart(4, "0") + "-" + two(stored.getMonth() + 1) + "-" +
      two(stored.getDate()) + "T" + two(stored.getHours()) + ":" + two(stored.getMinutes());
    instant.value = field.dataset.instant;
  }
  zone.textContent = name;
  field.addEventListener("input", () => {
    const at = new Date(field.value);
    instant.value = Number.isNaN(at.getTime()) ? "" : at.toISOString();
  });
});
