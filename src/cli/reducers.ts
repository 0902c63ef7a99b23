/** What the demo's server does with values when their type has its share. */
import type { DemoTypes } from './values.js';

/** A forecast of fewer time steps, or statistics of fewer points, are worth no more. */
const HOURS_MIN = 12;
const POINTS_MIN = 8;

type Weather = DemoTypes['weather'];
type Statistics = DemoTypes['stats'];

/** Every second time step. */
export function reduceWeather(weather: Weather): Weather | undefined {
  if (weather.hourly.length < HOURS_MIN * 2) return undefined;
  return { ...weather, hourly: weather.hourly.filter((_, i) => i % 2 === 0) };
}

/** Two points to one, under the day of the first. */
export function reduceStats(stats: Statistics): Statistics | undefined {
  if (stats.points.length < POINTS_MIN * 2) return undefined;
  const points = stats.points.flatMap((point, i) => {
    if (i % 2 === 1) return [];
    const next = stats.points[i + 1];
    if (next === undefined) return [point];
    const distanceM = point.distanceM + next.distanceM;
    const movingS = point.movingS + next.movingS;
    return [
      {
        day: point.day,
        rides: point.rides + next.rides,
        distanceM,
        climbM: point.climbM + next.climbM,
        movingS,
        speedKmh: Math.round((distanceM / movingS) * 36) / 10,
      },
    ];
  });
  return { ...stats, points };
}
