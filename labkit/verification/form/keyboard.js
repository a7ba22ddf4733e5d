// Keys of the review form. The listener stands before JupyterLab's own, and only while the form has the focus.
const NAMED = {
  " ": "accept", ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right",
  Home: "first", End: "last", Enter: "stated",
};

function render({ model, el }) {
  el.classList.add("labkit-keyboard");
  const form = () => el.closest(".labkit-review");
  const isField = (node) =>
    node && (node.matches("input:not([type=checkbox]):not([type=radio]), textarea, select") || node.isContentEditable);

  function focus() {
    const root = form();
    if (root) {
      root.tabIndex = -1;
      root.focus({ preventScroll: true });
    }
  }

  function comment(where) {
    const field = form().querySelector(where + " input");
    if (field) {
      field.focus();
      field.select();
    }
  }

  function onKey(event) {
    const root = form();
    const active = document.activeElement;
    if (!root || !active || !root.contains(active)) return;
    if (isField(active)) {
      // The field writes what it holds when it loses the focus.
      if (event.key === "Escape" || (event.key === "Enter" && active.tagName === "INPUT")) {
        event.stopImmediatePropagation();
        event.preventDefault();
        active.blur();
        focus();
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    const key = NAMED[event.key] || (event.key.length === 1 ? event.key.toLowerCase() : "");
    if (!key) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (event.repeat && !["up", "down", "n", "p"].includes(key)) return;
    if (key === "c") return comment(event.shiftKey ? ".labkit-case-comment" : ".labkit-comment");
    if (key === "g") return comment(".labkit-goto");
    model.send({ key });
  }

  // A button that was clicked keeps the focus, and space would press it again.
  function onClick(event) {
    const root = form();
    if (!root || !root.contains(event.target)) return;
    const name = event.target.closest("[data-finding]");
    if (name) model.send({ finding: name.dataset.finding });
    if (event.target.closest(".labkit-panel")) return;
    if (!isField(event.target) && !isField(document.activeElement)) setTimeout(focus, 0);
  }

  function onChange(event) {
    if (event.target.matches("select") && form() && form().contains(event.target)) setTimeout(focus, 0);
  }

  // Frames the evidence of the finding under the cursor, and brings it into view within the report.
  function showEvidence(finding) {
    const text = form() && form().querySelector(".labkit-text");
    if (!text) return;
    let first = null;
    for (const mark of text.querySelectorAll("mark")) {
      const names = (mark.title || "").replace(/: [a-z]+$/, "").split(", ");
      const own = names.includes(finding);
      mark.style.outline = own ? "2px solid #d55e00" : "";
      first = first || (own ? mark : null);
    }
    if (!first) return;
    const box = text.getBoundingClientRect();
    const place = first.getBoundingClientRect();
    if (place.top < box.top || place.bottom > box.bottom) {
      text.scrollTop += place.top - box.top - box.height / 3;
    }
  }

  window.addEventListener("keydown", onKey, true);
  window.addEventListener("click", onClick, true);
  window.addEventListener("change", onChange, true);
  // The text of the case may be on its way still.
  model.on("msg:custom", (message) => setTimeout(() => showEvidence(message.finding), 80));
  setTimeout(() => {
    if (form()) form().setAttribute("data-lm-suppress-shortcuts", "true");
    focus();
  }, 200);
  return () => {
    window.removeEventListener("keydown", onKey, true);
    window.removeEventListener("click", onClick, true);
    window.removeEventListener("change", onChange, true);
  };
}

export default { render };
