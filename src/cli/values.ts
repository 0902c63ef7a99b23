/** Every value names the key it was made for, so that whoever reads it can tell a mix-up. */
export interface Keyed {
  readonly key: string;
}

export interface Visit {
  t: number;
  path: string;
  status: number;
}

interface Session extends Keyed {
  cookie: {
    originalMaxAge: number;
    expires: string;
    secure: boolean;
    httpOnly: boolean;
    path: string;
    sameSite: string;
  };
  csrfSecret: string;
  userAgent: string;
  createdAt: string;
  user: { id: number; roles: string[]; locale: string; units: string };
  history: Visit[];
}

/** Longitude, latitude, elevation in metres. */
export type Position = [number, number, number];

interface Route extends Keyed {
  type: 'Feature';
  properties: Record<string, string | number>;
  geometry: { type: 'LineString'; coordinates: Position[] };
}

export interface WeatherHour {
  time: string;
  temperature: number;
  wind: { speed: number; gust: number; direction: number };
  rain: number;
  humidity: number;
  cloudCover: number;
  code: string;
}

interface Weather extends Keyed {
  latitude: number;
  longitude: number;
  timezone: string;
  updatedAt: string;
  current: { temperature: number; windSpeed: number; code: string };
  hourly: WeatherHour[];
}

export interface StatsPoint {
  day: string;
  rides: number;
  distanceM: number;
  climbM: number;
  movingS: number;
  speedKmh: number;
}

interface Statistics extends Keyed {
  scope: string;
  interval: string;
  unit: string;
  totals: { rides: number; distanceM: number; climbM: number };
  points: StatsPoint[];
}

interface LlmAnswer extends Keyed {
  id: string;
  model: string;
  created: number;
  finish: string;
  usage: { input: number; output: number };
  text: string;
}

interface Misc extends Keyed {
  name: string;
  enabled: boolean;
  version: number;
  values: number[];
}

/** The types of the cache under the load and the values that each holds. */
export interface DemoTypes {
  session: Session;
  route: Route;
  weather: Weather;
  llm: LlmAnswer;
  stats: Statistics;
  misc: Misc;
}

export type DemoType = keyof DemoTypes;

/** A value before it is given to a key. */
export type Body<K extends DemoType> = Omit<DemoTypes[K], 'key'>;
