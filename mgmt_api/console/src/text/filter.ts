// One box finds doors and events: every word typed must stand somewhere, whatever its width or case.

const plain = (text: string) => text.normalize("NFKC").toLowerCase();

export function matches(filter: string, texts: readonly string[]): boolean {
  const terms = plain(filter).split(/\s+/).filter(Boolean);
  if (terms.length === 0) return true;
  const hay = plain(texts.join("\n"));
  return terms.every((term) => hay.includes(term));
}
