/** The figures of the mission's server, and what follows from them for a server of a part of its size. */
import { fitLine } from '../figures.js';

export const GB: number = 1e9;

/** What was measured at numbers of users. */
export interface ByUsers {
  readonly users: number;
  readonly bytes: number;
}

export const MISSION_BEFORE: readonly ByUsers[] = [
  { users: 100, bytes: 1.2 * GB },
  { users: 500, bytes: 4.8 * GB },
  { users: 1_000, bytes: 8.5 * GB },
];
/** At these it ran out of memory. */
const MISSION_CRASH_USERS = 1_500;
export const MISSION_AFTER: readonly ByUsers[] = [
  { users: 100, bytes: 0.4 * GB },
  { users: 500, bytes: 1.1 * GB },
  { users: 1_000, bytes: 2.3 * GB },
  { users: MISSION_CRASH_USERS, bytes: 3.6 * GB },
];

/** The mission's figures of one measure; what is NaN it doesn't give. */
export interface Goal {
  readonly before: number;
  readonly after: number;
}

type Measure =
  | 'hitRatio'
  | 'cacheMs'
  | 'evictionsPerHour'
  | 'responseMs'
  | 'requestsPerSecond'
  | 'collections'
  | 'pause';

export const GOALS: Readonly<Record<Measure, Goal>> = {
  hitRatio: { before: 0.68, after: 0.92 },
  cacheMs: { before: 120, after: 45 },
  evictionsPerHour: { before: 450, after: 12 },
  responseMs: { before: 280, after: 110 },
  requestsPerSecond: { before: 850, after: 3_400 },
  /** Only as parts of what they were. */
  collections: { before: 1, after: 0.6 },
  pause: { before: 1, after: 0.5 },
};

/** What the mission's figures say of its server. */
export interface MissionMemory {
  /** Without users, and for each of them. */
  readonly bytesIdle: number;
  readonly bytesPerUser: number;
  /** What it would have taken at the number of users that it crashed at. */
  readonly bytesAtCrash: number;
  /** Its limit lies between what it last took and that: midway. */
  readonly bytesLimit: number;
}

export function missionMemory(): MissionMemory {
  const { intercept, slope } = fitLine(MISSION_BEFORE.map(({ users, bytes }) => [users, bytes] as const));
  const bytesAtCrash = intercept + slope * MISSION_CRASH_USERS;
  const bytesLast = Math.max(...MISSION_BEFORE.map(({ bytes }) => bytes));
  return { bytesIdle: intercept, bytesPerUser: slope, bytesAtCrash, bytesLimit: (bytesLast + bytesAtCrash) / 2 };
}

/** One byte of data here stands for so many of the mission's; its numbers of users are what they were. */
export const DATA_SCALE = 10;
/** The times of the types run so many times as fast: an hour is a minute. */
export const TIME_SCALE = 60;

export interface ScaledMemory {
  /** Resident bytes of data that the server before holds for each user. */
  readonly bytesPerUser: number;
  /** What data may take, beside what the process takes without any. */
  readonly bytesDataMax: number;
  /** Of the cache after: all that the mission's server after took at the most users. */
  readonly bytesCapacity: number;
}

export function scaledMemory(scale: number = DATA_SCALE): ScaledMemory {
  const { bytesIdle, bytesPerUser, bytesLimit } = missionMemory();
  return {
    bytesPerUser: bytesPerUser / scale,
    bytesDataMax: (bytesLimit - bytesIdle) / scale,
    bytesCapacity: Math.floor(MISSION_AFTER.at(-1)!.bytes / scale),
  };
}

/** Resident bytes in the mission's size: what a process takes without data is as large there as it is here. */
export function atMissionSize(bytes: number, bytesIdle: number, scale: number = DATA_SCALE): number {
  return bytesIdle + (bytes - bytesIdle) * scale;
}

/** The mission's figures for a number of users, if it has any. */
export function goalAt(points: readonly ByUsers[], users: number): number {
  return points.find((point) => point.users === users)?.bytes ?? Number.NaN;
}
