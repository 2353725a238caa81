import type { Outcome } from './measurements.ts';

const colours = ['#9aa0a6', '#1a73e8', '#12805c', '#f29900', '#c5221f', '#8430ce'];
const bar = 14;
const gap = 26;
const left = 230;
const width = 860;

/** A bar chart, in SVG, of transactions a second and CPU time for each, peer by peer. */
export function chartOf(outcomes: readonly Outcome[]): string {
  const parts: string[] = [];
  let y = 24;
  for (const outcome of outcomes) {
    parts.push(text(8, y, outcome.title, 'bold'));
    y += 10;
    const most = Math.max(...outcome.peers.map(({ figures }) => figures['tps'] ?? 0));
    outcome.peers.forEach(({ peer, figures }, index) => {
      const tps = figures['tps'] ?? 0;
      const length = (tps / most) * (width - left - 190);
      const cpu = figures['CPU us/tx'] ?? 0;
      const words = `${tps.toFixed(0)} tps${cpu > 0 ? `, ${cpu.toFixed(1)} us CPU each` : ''}`;
      parts.push(text(20, y + bar - 3, peer));
      const size = `width="${length.toFixed(1)}" height="${bar - 2}"`;
      parts.push(`<rect x="${left - 60}" y="${y}" ${size} fill="${colours[index % colours.length]}"/>`);
      parts.push(text(left - 54 + length, y + bar - 3, words));
      y += bar;
    });
    y += gap;
  }
  const style = '<style>text { font: 11px sans-serif; fill: #202124 } .bold { font-weight: bold }</style>';
  const ground = `<rect width="${width}" height="${y}" fill="#ffffff"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}">\n${[style, ground, ...parts].join('\n')}\n</svg>\n`;
}

function text(x: number, y: number, words: string, weight = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y}"${weight === '' ? '' : ` class="${weight}"`}>${words.replaceAll('&', '&amp;')}</text>`;
}
