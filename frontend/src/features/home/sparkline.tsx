import { useEffect, useState } from 'react';

const shown = 24; // reports
const history = new Map<string, { at: string; total: number }[]>(); // device → what was reported while this page was open

/** Traffic between the last reports, as small bars. Only a hint beside the numbers, so screen readers skip it. */
export function Sparkline({ id, at, total }: { id: string; at: string; total: number }) {
  const [points, setPoints] = useState(() => history.get(id) ?? []);
  useEffect(() => {
    const before = history.get(id) ?? [];
    if (before.at(-1)?.at === at) return;
    const next = [...before, { at, total }].slice(-shown - 1);
    history.set(id, next);
    setPoints(next);
  }, [id, at, total]);

  const rates = points.slice(1).map((p, i) => rate(points[i], p));
  const top = Math.max(...rates, 0);
  if (rates.length < 2 || top === 0) return null;
  return (
    <svg width={shown * 3} height={16} viewBox={`0 0 ${shown * 3} 16`} aria-hidden="true">
      {rates.map((r, i) => {
        const height = Math.max(1, (r / top) * 16);
        return <rect key={i} x={i * 3} y={16 - height} width={2} height={height} rx={0.5} fill="var(--accent-text)" />;
      })}
    </svg>
  );
}

/** Bytes a second between two reports; 0 where the gateway began to count anew. */
function rate(a: { at: string; total: number } | undefined, b: { at: string; total: number }): number {
  if (!a) return 0;
  const seconds = (Date.parse(b.at) - Date.parse(a.at)) / 1000;
  return seconds > 0 ? Math.max(0, (b.total - a.total) / seconds) : 0;
}
