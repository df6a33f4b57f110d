// The preview follows what is typed, before it is saved.
document.addEventListener("DOMContentLoaded", () => {
    for (const part of document.querySelectorAll(".popup-preview [data-from]")) {
        const input = document.getElementById(`id_${part.dataset.from}`);
        if (!input) continue;
        const follow = () => {
            if (part.tagName === "IMG") part.src = input.value;
            else part.textContent = input.value;
            if (part.tagName === "IMG" || part.classList.contains("tap")) part.hidden = !input.value;
        };
        input.addEventListener("input", follow);
    }
});
