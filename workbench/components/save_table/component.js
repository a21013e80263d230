// The byte-order mark tells spreadsheets that the file is UTF-8.
const BYTE_ORDER_MARK = "\uFEFF";

export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  button.textContent = data.label;
  button.onclick = () => {
    const file = new Blob([BYTE_ORDER_MARK, data.text], { type: "text/csv;charset=utf-8" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = data.name;
    link.click();
    URL.revokeObjectURL(link.href);
  };
}
