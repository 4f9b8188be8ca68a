/** Tables and charts as text and files. */

export type CsvValue = string | number | boolean | undefined;

function cell(value: CsvValue): string {
  if (value === undefined) return '';
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line as RFC 4180 has it, without its end. */
export function csvLine(cells: readonly CsvValue[]): string {
  return cells.map(cell).join(',');
}

/** RFC 4180 text: a header line, then one line a row. */
export function toCsv(header: readonly string[], rows: readonly (readonly CsvValue[])[]): string {
  return [header, ...rows].map(csvLine).join('\r\n').concat('\r\n');
}

/** Offers a file to save, without leaving the page. */
export function saveFile(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  URL.revokeObjectURL(url);
}
