// Rows of faces; see face_table in components.py.
function show() {
  const root = element.querySelector(".root");
  root.classList.add("face-table");
  root.replaceChildren();
  for (const row of props.value || []) {
    const section = document.createElement("section");
    const title = document.createElement("h3");
    title.textContent = row.title;
    const note = document.createElement("p");
    note.textContent = row.note;
    const faces = document.createElement("div");
    faces.className = "faces";
    for (const face of row.faces) {
      const button = document.createElement("button");
      button.type = "button";
      button.title = `Open: ${face.label}`;
      const picture = document.createElement("img");
      picture.src = face.src;
      picture.alt = face.label;
      button.append(picture);
      button.addEventListener("click", () => trigger("pick", { description: JSON.stringify(face.description) }));
      faces.append(button);
    }
    section.append(title, note, faces);
    root.append(section);
  }
}

show();
watch("value", show);
