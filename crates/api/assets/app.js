// What pages do better with JavaScript. Nothing here is needed: every page works without it.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // Says something to everybody, those who listen included.
  const say = (text) => {
    const status = document.getElementById("status");
    if (!status) return;
    status.textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { status.textContent = ""; }, 6000);
  };

  // The clipboard takes a secure page; without one the browser copies what is selected.
  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("refused");
  };

  // Times in the zone of whoever looks.
  const localise = (part) => {
    for (const time of part.querySelectorAll("time[data-local]")) {
      const date = new Date(time.dateTime);
      if (Number.isNaN(date.getTime())) continue;
      const style = time.dataset.local === "date"
        ? { dateStyle: "medium" }
        : { dateStyle: "medium", timeStyle: "short" };
      time.title = time.textContent;
      time.textContent = new Intl.DateTimeFormat(root.lang, style).format(date);
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    if (!button) return;
    try {
      await copy(button.dataset.copy);
      button.classList.add("done");
      setTimeout(() => button.classList.remove("done"), 2000);
      say("Copied: " + button.dataset.copy);
    } catch {
      say("The browser does not let this page copy. Select the text and copy it.");
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    }
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.querySelector("input[type=search]");
      if (search) {
        event.preventDefault();
        search.focus();
      }
    }
  });

  // An address that is pasted anywhere on the home page is meant to be shortened.
  document.addEventListener("paste", (event) => {
    const box = document.querySelector(".shorten input[name=target]");
    const text = event.clipboardData.getData("text").trim();
    if (!box || event.target.closest?.("input, textarea") || !/^https?:\/\//i.test(text)) return;
    event.preventDefault();
    box.value = text;
    box.focus();
  });

  // An error of a part of a page is a sentence.
  document.addEventListener("htmx:responseError", (event) => say(event.detail.xhr.responseText));
  document.addEventListener("htmx:sendError", () => say("The server does not answer. Try again in a moment."));
  document.addEventListener("htmx:load", (event) => localise(event.detail.elt));
  document.addEventListener("DOMContentLoaded", () => localise(document));
})();
