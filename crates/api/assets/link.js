// The time at which a link expires, in the zone of whoever edits it. Without this script the field is in the
// zone of the server, whose name stands beside it.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const field = document.getElementById("expires");
  const instant = document.getElementById("expires-at");
  const zone = document.getElementById("expires-zone");
  const name = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  // A text that is no time stays what was typed.
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
