// Fetches the part of the page that tells how everything is now, while somebody looks at it.
"use strict";
const now = document.getElementById("now");
const refreshed = document.getElementById("refreshed");
const pause = document.getElementById("pause");
const LIMIT_MS = 8000;
let timer = 0;

const isPaused = () => document.hidden || pause.getAttribute("aria-pressed") === "true";

async function refresh() {
    try {
        const answer = await fetch(now.dataset.address, { signal: AbortSignal.timeout(LIMIT_MS), redirect: "error" });
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        const opened = Array.from(now.querySelectorAll("details[open]"), (details) => details.id);
        now.innerHTML = await answer.text();
        for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
        refreshed.textContent = "";
        now.classList.remove("old");
    } catch (error) {
        refreshed.textContent = `Not refreshed, what you see is old: ${error.message}`;
        now.classList.add("old");
    }
    schedule();
}

function schedule() {
    clearTimeout(timer);
    if (!isPaused()) timer = setTimeout(refresh, now.dataset.every * 1000);
}

if (now) {
    pause.hidden = false;
    pause.addEventListener("click", () => {
        const willPause = pause.getAttribute("aria-pressed") !== "true";
        pause.setAttribute("aria-pressed", willPause);
        pause.textContent = willPause ? "Go on" : "Pause";
        schedule();
    });
    document.addEventListener("visibilitychange", () => (document.hidden ? schedule() : refresh()));
    schedule();
}

// Sends the form of the next step as long as there is one, and nobody stops it.
let isStopped = false;

async function goOn() {
    const run = document.getElementById("run");
    if (!run || isStopped || !("goesOn" in run.dataset)) return;
    const form = run.querySelector("form");
    const stop = run.querySelector(".stop");
    stop.hidden = false;
    stop.addEventListener("click", () => {
        isStopped = true;
        stop.hidden = true;
    });
    form.querySelector("[type=submit]").hidden = !isStopped;
    const answer = await fetch(location.pathname, { method: "POST", body: new FormData(form), redirect: "error" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    run.replaceWith(page.getElementById("run") ?? document.createTextNode(`Status ${answer.status}: open this page again.`));
    goOn();
}

goOn();
