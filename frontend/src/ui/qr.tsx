import { type QrCode, qrPath } from '../wireguard/qr.ts';
import classes from './qr.module.css';

/** A QR code, black on white in both schemes (phones expect it), with the quiet zone of four modules. */
export function QrImage({ code, label }: { code: QrCode; label: string }) {
  const side = code.modules.length;
  return (
    <svg
      className={classes.qr}
      viewBox={`-4 -4 ${side + 8} ${side + 8}`}
      shapeRendering="crispEdges"
      role="img"
      aria-label={label}
      data-version={code.version}
      data-level={code.level}
    >
      <rect x="-4" y="-4" width={side + 8} height={side + 8} fill="#fff" />
      <path d={qrPath(code)} fill="#000" />
    </svg>
  );
}
