/** Line charts as SVG: axes, marks, a legend, and nothing else; the same text for the same figures. */
import { short } from '../figures.js';
import type { Scale } from './scales.js';

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly isDashed?: boolean;
  /** Series that belong together have one colour. */
  readonly colour: number;
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly x: Scale;
  readonly xName: (value: number) => string;
  readonly y: Scale;
  readonly series: readonly Series[];
}

const [WIDTH, HEIGHT] = [640, 360];
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 130, 36, 52];
/** Told apart also by those who can't tell red from green (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];

export function lineChart(chart: Chart): string {
  const { title, xLabel, yLabel, series } = chart;
  const middle = LEFT + (WIDTH - LEFT - RIGHT) / 2;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, 20, title, 'start', ' font-size="14"'),
    ...xAxis(chart.x, chart.xName),
    ...yAxis(chart.y),
    text(middle, HEIGHT - 12, xLabel, 'middle'),
    text(0, 0, yLabel, 'middle', ` transform="translate(16 ${at(TOP + (HEIGHT - TOP - BOTTOM) / 2)}) rotate(-90)"`),
    ...series.flatMap((one, i) => line(one, chart, i)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function left(place: number): number {
  return LEFT + place * (WIDTH - LEFT - RIGHT);
}

function top(place: number): number {
  return HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM);
}

/** Tenths are finer than anyone sees. */
function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function text(x: number, y: number, words: string, anchor: string, more = ''): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}"${more}>${safe}</text>`;
}

function xAxis({ place, ticks }: Scale, nameOf: Chart['xName']): string[] {
  return ticks.flatMap((tick) => {
    const x = left(place(tick));
    return [grid(x, TOP, x, HEIGHT - BOTTOM), text(x, HEIGHT - BOTTOM + 16, nameOf(tick), 'middle')];
  });
}

function yAxis({ place, ticks }: Scale): string[] {
  return ticks.flatMap((tick) => {
    const y = top(place(tick));
    return [grid(LEFT, y, WIDTH - RIGHT, y), text(LEFT - 6, y + 4, tickLabel(tick), 'end')];
  });
}

function grid(x1: number, y1: number, x2: number, y2: number): string {
  return `<path d="M${at(x1)} ${at(y1)}L${at(x2)} ${at(y2)}" stroke="#ddd"/>`;
}

function line({ name, points, isDashed, colour }: Series, { x, y }: Chart, number: number): string[] {
  const stroke = COLOURS[colour % COLOURS.length]!;
  const dash = isDashed === true ? ' stroke-dasharray="5 3"' : '';
  const places = points.map((point) => [left(x.place(point[0])), top(y.place(point[1]))] as const);
  const path = places.map(([px, py]) => `${at(px)} ${at(py)}`).join('L');
  const legend = TOP + 10 + number * 18;
  return [
    `<path d="M${path}" fill="none" stroke="${stroke}" stroke-width="2"${dash}/>`,
    ...places.map(([px, py]) => `<circle cx="${at(px)}" cy="${at(py)}" r="2.5" fill="${stroke}"/>`),
    `<path d="M${WIDTH - RIGHT + 12} ${legend}h22" stroke="${stroke}" stroke-width="2"${dash}/>`,
    text(WIDTH - RIGHT + 40, legend + 4, name, 'start'),
  ];
}

/** 10000 as 10k. */
export function tickLabel(value: number): string {
  const [digits, unit = ''] = short(value).split(' ');
  return `${Number(digits)}${unit}`;
}
