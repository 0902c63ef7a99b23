import type { Random } from './random.js';
import type { Body, DemoType, Position, StatsPoint, Visit, WeatherHour } from './values.js';

/** Makes one value whose JSON text is about `bytes` long. */
export type Generator<K extends DemoType> = (random: Random, bytes: number) => Body<K>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SEASON_START_MS = Date.UTC(2025, 3, 1);
const PAGES = [
  '/',
  '/dashboard',
  '/routes',
  '/routes/loire',
  '/weather',
  '/stats/week',
  '/stats/year',
  '/coach',
  '/profile',
];
const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148',
  'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36',
];
const SKIES = ['clear', 'partly-cloudy', 'overcast', 'drizzle', 'rain', 'thunderstorm', 'fog', 'snow'];
const SURFACES = ['asphalt', 'gravel', 'cycleway', 'forest-track'];
const WORDS =
  'the your ride climb rest pace week training zone heart rate cadence power route wind today tomorrow hill long short easy steady hard recover legs gear tyre pressure water keep raise lower add before after with and then because'.split(
    ' ',
  );

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Adds parts to a list of `body` until its JSON text comes as near to `bytes` as whole parts allow. */
function fill<T>(body: object, list: T[], bytes: number, makePart: (index: number) => T): void {
  let left = bytes - jsonBytes(body);
  while (left > 0) {
    const part = makePart(list.length);
    const cost = jsonBytes(part) + 1;
    if (cost > 2 * left) return;
    list.push(part);
    left -= cost;
  }
}

function instant(random: Random): number {
  return SEASON_START_MS + random.between(0, 180 * 24) * HOUR_MS;
}

export const makeSession: Generator<'session'> = (random, bytes) => {
  const startedMs = instant(random);
  const history: Visit[] = [];
  const session: Body<'session'> = {
    cookie: {
      originalMaxAge: DAY_MS,
      expires: new Date(startedMs + DAY_MS).toISOString(),
      secure: true,
      httpOnly: true,
      path: '/',
      sameSite: 'lax',
    },
    csrfSecret: random.token(24),
    userAgent: random.pick(AGENTS),
    createdAt: new Date(startedMs).toISOString(),
    user: {
      id: random.between(1, 1_000_000),
      roles: ['member'],
      locale: random.pick(['fr', 'en', 'de']),
      units: 'metric',
    },
    history,
  };
  let clockMs = startedMs;
  fill(session, history, bytes, () => {
    clockMs += random.between(1, 300) * 1_000;
    return { t: clockMs, path: random.pick(PAGES), status: 200 };
  });
  return session;
};

export const makeRoute: Generator<'route'> = (random, bytes) => {
  const coordinates: Position[] = [];
  const properties: Record<string, string | number> = {};
  const route: Body<'route'> = { type: 'Feature', properties, geometry: { type: 'LineString', coordinates } };
  // The shortest of them are bare geometry, as route services send for a segment.
  if (bytes > 300)
    Object.assign(properties, {
      name: `Boucle ${random.token(4)}`,
      surface: random.pick(SURFACES),
      climbM: random.between(10, 2_500),
    });
  let [longitude, latitude, elevation] = [
    random.decimal(-1.5, 7, 6),
    random.decimal(43, 50, 6),
    random.between(0, 1_200),
  ];
  fill(route, coordinates, bytes, () => {
    longitude = random.decimal(longitude - 0.001, longitude + 0.001, 6);
    latitude = random.decimal(latitude - 0.0005, latitude + 0.001, 6);
    elevation = Math.max(0, elevation + random.between(-3, 3));
    return [longitude, latitude, elevation];
  });
  return route;
};

function makeHour(random: Random, timeMs: number): WeatherHour {
  const speed = random.decimal(0, 40, 1);
  return {
    time: new Date(timeMs).toISOString(),
    temperature: random.decimal(-5, 35, 1),
    wind: { speed, gust: random.decimal(speed, speed * 2, 1), direction: random.between(0, 359) },
    rain: random.decimal(0, 4, 1),
    humidity: random.between(20, 100),
    cloudCover: random.between(0, 100),
    code: random.pick(SKIES),
  };
}

export const makeWeather: Generator<'weather'> = (random, bytes) => {
  const updatedMs = instant(random);
  const hourly: WeatherHour[] = [];
  const weather: Body<'weather'> = {
    latitude: random.decimal(43, 50, 4),
    longitude: random.decimal(-1.5, 7, 4),
    timezone: 'Europe/Paris',
    updatedAt: new Date(updatedMs).toISOString(),
    current: { temperature: random.decimal(-5, 35, 1), windSpeed: random.decimal(0, 40, 1), code: random.pick(SKIES) },
    hourly,
  };
  fill(weather, hourly, bytes, (index) => makeHour(random, updatedMs + index * HOUR_MS));
  return weather;
};

function makePoint(random: Random, index: number): StatsPoint {
  const movingS = random.between(1_200, 20_000);
  const speedKmh = random.decimal(14, 34, 1);
  return {
    day: new Date(SEASON_START_MS + index * DAY_MS).toISOString().slice(0, 10),
    rides: random.between(1, 4),
    distanceM: Math.round((movingS * speedKmh) / 3.6),
    climbM: random.between(0, 2_200),
    movingS,
    speedKmh,
  };
}

export const makeStatistics: Generator<'stats'> = (random, bytes) => {
  const points: StatsPoint[] = [];
  const totals = {
    rides: random.between(10, 400),
    distanceM: random.between(1e5, 1e7),
    climbM: random.between(1e3, 1e5),
  };
  const statistics: Body<'stats'> = { scope: 'rider', interval: 'day', unit: 'metric', totals, points };
  fill(statistics, points, bytes, (index) => makePoint(random, index));
  return statistics;
};

function makeText(random: Random, length: number): string {
  const words: string[] = [];
  let written = 0;
  while (written < length) {
    const word = random.pick(WORDS) + (random.next() < 0.08 ? '.' : '');
    words.push(word);
    written += word.length + 1;
  }
  return words.join(' ').slice(0, length);
}

export const makeLlmAnswer: Generator<'llm'> = (random, bytes) => {
  const answer: Body<'llm'> = {
    id: `answer-${random.token(8)}`,
    model: 'coach-2',
    created: Math.floor(instant(random) / 1_000),
    finish: 'stop',
    usage: { input: random.between(10, 99), output: Math.ceil(bytes / 5) },
    text: '',
  };
  return { ...answer, text: makeText(random, Math.max(1, bytes - jsonBytes(answer))) };
};

export const makeMisc: Generator<'misc'> = (random, bytes) => {
  const values: number[] = [];
  const misc: Body<'misc'> = {
    name: `flag-${random.token(4)}`,
    enabled: random.next() < 0.5,
    version: random.between(1, 9),
    values,
  };
  fill(misc, values, bytes, () => random.between(0, 9_999));
  return misc;
};
