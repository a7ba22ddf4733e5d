// Keys of the review form. The listener stands before JupyterLab's own, and only while the form has the focus.
const NAMED = {
  " ": "accept", ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right",
  Home: "first", End: "last", Enter: "stated",
};

function render({ model, el }) {
  el.classList.add("labkit-keyboard");
  const form = () => el.closest(".labkit-review, .labkit-start");
  const isStart = () => form().matches(".labkit-start");
  let byKey = false;
  const isField = (node) =>
    node && (node.matches("input:not([type=checkbox]):not([type=radio]), textarea, select") || node.isContentEditable);

  function focus() {
    const root = form();
    if (root) {
      root.tabIndex = -1;
      root.focus({ preventScroll: true });
    }
  }

  // All of the form is brought into view where it is not.
  function settle() {
    const root = form();
    if (!root) return;
    root.setAttribute("data-lm-suppress-shortcuts", "true");
    if (isStart()) return root.querySelector(".labkit-reader input").focus({ preventScroll: true });
    focus();
    const scroller = root.closest(".jp-WindowedPanel-outer, .jp-Notebook");
    if (!scroller) return;
    const [box, seen] = [root.getBoundingClientRect(), scroller.getBoundingClientRect()];
    if (box.top < seen.top || box.bottom > seen.bottom) root.scrollIntoView({ block: "start" });
  }

  // JupyterLab's own shortcuts rest within the form, apart from the one that saves the notebook.
  function letSave(root) {
    root.removeAttribute("data-lm-suppress-shortcuts");
    setTimeout(() => root.setAttribute("data-lm-suppress-shortcuts", "true"), 0);
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
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") return letSave(root);
    if (isStart()) {
      if (event.key === "Enter" && isField(active)) {
        event.stopImmediatePropagation();
        event.preventDefault();
        model.send({ name: root.querySelector(".labkit-reader input").value });
      }
      return;
    }
    if (isField(active)) {
      byKey = true;
      if (event.key === "Enter" && active.tagName === "SELECT") setTimeout(focus, 0);
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
    if (!root || isStart() || !root.contains(event.target)) return;
    const name = event.target.closest("[data-finding]");
    if (name) model.send({ finding: name.dataset.finding });
    if (event.target.closest(".labkit-panel")) return;
    if (!isField(event.target) && !isField(document.activeElement)) setTimeout(focus, 0);
  }

  // A choice by mouse gives the keys back to the form; one by arrows goes on until Enter.
  function onChange(event) {
    if (byKey || !event.target.matches("select") || !form() || isStart()) return;
    if (form().contains(event.target)) setTimeout(focus, 0);
  }

  const paneOf = (event) => {
    const pane = event.target.closest && event.target.closest(".labkit-pane");
    return pane && form() && form().contains(pane) ? pane : null;
  };

  // The wheel zooms a radiograph; the place under the pointer stays there.
  let turned = 0;
  function onWheel(event) {
    const pane = paneOf(event);
    if (!pane || event.ctrlKey || !event.deltaY) return;
    event.preventDefault();
    if (event.timeStamp - turned < 150) return;
    turned = event.timeStamp;
    const image = pane.querySelector("img");
    const [box, shown] = [pane.getBoundingClientRect(), image.getBoundingClientRect()];
    const at = [(event.clientX - shown.left) / shown.width, (event.clientY - shown.top) / shown.height];
    const watch = new ResizeObserver(() => {
      pane.scrollLeft = at[0] * image.offsetWidth - (event.clientX - box.left);
      pane.scrollTop = at[1] * image.offsetHeight - (event.clientY - box.top);
    });
    watch.observe(image);
    setTimeout(() => watch.disconnect(), 1500);
    model.send({ key: event.deltaY < 0 ? "+" : "-" });
  }

  let held = null;
  function onDown(event) {
    byKey = false;
    const pane = paneOf(event);
    if (!pane || event.button) return;
    const box = pane.getBoundingClientRect();
    // What lies on the scroll bars is theirs.
    if (event.clientX - box.left >= pane.clientWidth || event.clientY - box.top >= pane.clientHeight) return;
    event.preventDefault();
    held = { pane, x: event.clientX + pane.scrollLeft, y: event.clientY + pane.scrollTop };
  }

  function onMove(event) {
    if (!held) return;
    held.pane.scrollLeft = held.x - event.clientX;
    held.pane.scrollTop = held.y - event.clientY;
  }

  const onUp = () => { held = null; };
  const onDrag = (event) => { if (paneOf(event)) event.preventDefault(); };

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

  const listeners = {
    keydown: onKey, click: onClick, change: onChange, wheel: onWheel, pointerdown: onDown, pointermove: onMove,
    pointerup: onUp, pointercancel: onUp, dragstart: onDrag,
  };
  for (const [name, act] of Object.entries(listeners)) {
    window.addEventListener(name, act, { capture: true, passive: false });
  }
  // The text of the case may be on its way still.
  model.on("msg:custom", (message) => setTimeout(() => showEvidence(message.finding), 80));
  setTimeout(settle, 200);
  return () => {
    for (const [name, act] of Object.entries(listeners)) window.removeEventListener(name, act, { capture: true });
  };
}

export default { render };
