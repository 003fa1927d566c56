const pad = (n: number, size = 2) => String(n).padStart(size, '0');

/** A moment as an input of type datetime-local has it, by the reader's own clock. */
export function toLocal(moment: string | undefined): string {
  if (!moment) return '';
  const at = new Date(moment);
  const day = [pad(at.getFullYear(), 4), pad(at.getMonth() + 1), pad(at.getDate())].join('-');
  return `${day}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

export function fromLocal(text: string): string | undefined {
  const date = new Date(text);
  return text && !Number.isNaN(date.getTime()) ? date.toISOString() : undefined;
}

/** The zone of the reader's clock: "Asia/Seoul". */
export const localZone = () => new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
