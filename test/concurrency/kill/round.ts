/**
 * A round: a new cache, some hundred kills, and the accounts behind them. Each lane of victims starts one, sees it
 * die, and starts the next; survivors work all the time; the owner of the warden is ended again and again.
 */
import { Random } from '../../../src/cli/random.js';
import { checkAccounts, type RoundAccounts } from './accounts.js';
import { Board, type LongOp, WORD } from './board.js';
import { Crew, type Hand, pause } from './crew.js';
import { HANG_MS } from './load.js';
import { collectStalls, type StallSample } from './stalls.js';
import { pickWay, type Way } from './ways.js';

export interface RoundPlan {
  readonly seed: number;
  readonly kills: number;
  readonly victims: number;
  readonly survivors: number;
  /** Only exhaustion of the heap: such deaths may take the process with them. */
  readonly heapOnly: boolean;
}

export interface RoundResult extends RoundAccounts {
  readonly kills: readonly { atMs: number; way: number }[];
  readonly stalls: readonly StallSample[];
  readonly findings: readonly string[];
  readonly findingCount: number;
  readonly busy: number;
  readonly busyTexts: readonly string[];
  readonly survivorOps: number;
  readonly checked: number;
  readonly hits: number;
  readonly lateMsMax: number;
  readonly notEnded: number;
}

/** The same load without a kill, to compare with. */
const CONTROL_MS = 600;
const WATCH_MS = 5;
const SIZE_PHASE_MS = 700;
/** A thread whose operation doesn't end hangs. Its own bound is checked when it does. */
const STUCK_MS = HANG_MS * 2.5;
/** The owner of the warden is ended after 1 to this many other kills. */
const OWNER_GAP_KILLS = 80;
/** How long a victim has to die of its heap, and then of being terminated. */
const HEAP_END_MS_MAX = 15_000;
/** What a round throws when a victim outlives both: its accounts can't be checked beside it. */
export const UNENDING = 'a worker whose heap is full can not be ended';
const HEAP_LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

export class Round {
  readonly #plan: RoundPlan;
  readonly #board = new Board();
  readonly #crew: Crew;
  readonly #random: Random;
  readonly #survivors: (Hand | undefined)[] = [];
  readonly #quiet: { fromMs: number; toMs: number }[] = [];
  readonly #longOps: LongOp[] = [];
  readonly #drained: number[] = [];
  #owner = -1;
  #writers = 0;
  #notEnded = 0;
  #isOver = false;
  #nextOwner = 0;
  #isKillingOwner = false;

  constructor(plan: RoundPlan) {
    this.#plan = plan;
    this.#random = new Random(plan.seed);
    this.#crew = new Crew(this.#board);
  }

  async run(): Promise<RoundResult> {
    const creator = await this.#crew.found();
    this.#owner = creator.threadId;
    await this.#crew.startBystander();
    for (let i = 0; i < this.#plan.survivors; i++) this.#startSurvivor(i);
    await pause(CONTROL_MS);
    const controlMs = { fromMs: this.#board.now() - CONTROL_MS / 2, toMs: this.#board.now() };
    this.#nextOwner = 1 + this.#random.next() * OWNER_GAP_KILLS;
    const watch = setInterval(() => this.#watch(), WATCH_MS);
    await Promise.all(Array.from({ length: this.#plan.victims }, (_, i) => this.#runLane(i)));
    this.#isOver = true;
    clearInterval(watch);
    this.#drain();
    const stalls = collectStalls(this.#board, this.#longOps, this.#quiet, controlMs);
    return await this.#finish(stalls);
  }

  #laneOf(survivor: number): number {
    return this.#plan.victims + survivor;
  }

  get #lanes(): number {
    return this.#plan.victims + this.#plan.survivors;
  }

  #startSurvivor(survivor: number): void {
    this.#survivors[survivor] = this.#crew.startSurvivor({
      lane: this.#laneOf(survivor),
      lanes: this.#lanes,
      writer: ++this.#writers,
      survivor,
      seed: Math.floor(this.#random.next() * 2 ** 32),
    });
  }

  async #runLane(lane: number): Promise<void> {
    const random = new Random(this.#plan.seed + 7_919 * (lane + 1));
    while (this.#board.get(WORD.kills) < this.#plan.kills && this.#board.findings.count === 0) {
      const isAlive = this.#plan.heapOnly ? await this.#exhaustOne(lane, random) : await this.#killOne(lane, random);
      // Its lane belongs to a thread that lives on.
      if (isAlive) return;
    }
  }

  #victim(lane: number, way: Way['name'], random: Random, delayMs: number, limits?: object): Hand {
    const seed = Math.floor(random.next() * 2 ** 32);
    const data = { lane, lanes: this.#lanes, writer: ++this.#writers, seed, way, delayMs };
    return this.#crew.startVictim(data, limits);
  }

  /** True if the victim didn't die. */
  async #killOne(lane: number, random: Random): Promise<boolean> {
    const way = pickWay(random);
    const delayMs = random.next() * way.delayMsMax;
    const hand = this.#victim(lane, way.name, random, delayMs);
    if (way.kind === 'self') return !(await this.#crew.waitEnd(hand, way.name));
    if (way.from === 'attach') {
      const attached = new Promise((resolve) => hand.worker.once('message', resolve));
      await Promise.race([attached, hand.ended]);
    }
    if (delayMs > 0) await pause(delayMs);
    await this.#crew.kill(hand, way.name);
    return false;
  }

  async #exhaustOne(lane: number, random: Random): Promise<boolean> {
    const hand = this.#victim(lane, 'heap exhausted', random, 0, HEAP_LIMITS);
    if (await hasEnded(hand)) return false;
    this.#notEnded += 1;
    void hand.worker.terminate();
    if (!(await hasEnded(hand))) throw new Error(UNENDING);
    return true;
  }

  /** Every few ms: who owns the warden, is anybody stuck, is it time for another size of values or another warden. */
  #watch(): void {
    const now = this.#board.now();
    this.#drain();
    this.#board.set(WORD.sizePhase, Math.floor(now / SIZE_PHASE_MS));
    if (this.#crew.starter() >= 0) this.#owner = this.#crew.starter();
    if (!this.#crew.hasWarden()) this.#quiet.push({ fromMs: now - WATCH_MS, toMs: now });
    for (let survivor = 0; survivor < this.#plan.survivors; survivor++) {
      const startMs = this.#board.startOf(this.#laneOf(survivor));
      if (startMs !== 0 && now - startMs > STUCK_MS) this.#board.report('hang', `survivor ${survivor} is stuck`);
    }
    const isDue = this.#board.get(WORD.kills) >= this.#nextOwner && !this.#plan.heapOnly;
    if (!isDue || this.#isKillingOwner || !this.#crew.hasWarden()) return;
    this.#isKillingOwner = true;
    void this.#killOwner();
  }

  /** Takes over what the survivors have logged, before their logs run round. */
  #drain(): void {
    for (let survivor = 0; survivor < this.#plan.survivors; survivor++) {
      const { ops, next } = this.#board.longOps(survivor, this.#drained[survivor] ?? 0);
      this.#drained[survivor] = next;
      this.#longOps.push(...ops);
    }
  }

  async #killOwner(): Promise<void> {
    const owner = this.#crew.handOf(this.#owner);
    if (owner !== undefined) {
      const before = this.#crew.wardenThread();
      const fromMs = this.#board.now();
      await this.#crew.kill(owner, 'terminate warden owner');
      const survivor = this.#survivors.indexOf(owner);
      if (survivor >= 0 && !this.#isOver) this.#startSurvivor(survivor);
      else await this.#crew.startBystander();
      await this.#waitForWarden(before);
      this.#quiet.push({ fromMs, toMs: this.#board.now() });
    }
    this.#nextOwner = this.#board.get(WORD.kills) + 1 + this.#random.next() * OWNER_GAP_KILLS;
    this.#isKillingOwner = false;
  }

  async #waitForWarden(before: number): Promise<void> {
    const until = this.#board.now() + 15_000;
    while (!this.#crew.hasWarden() || this.#crew.wardenThread() === before) {
      if (this.#board.now() > until) return this.#board.report('hang', 'no new warden in 15 s');
      await pause(WATCH_MS);
    }
  }

  async #finish(stalls: StallSample[]): Promise<RoundResult> {
    while (this.#isKillingOwner) await pause(WATCH_MS);
    this.#board.set(WORD.stop, 1);
    for (const hand of this.#survivors) if (hand !== undefined) await this.#crew.waitEnd(hand, 'survivor');
    const accounts = await checkAccounts(this.#crew, this.#board);
    await this.#crew.dismiss();
    const { findings, busy } = this.#board;
    return {
      ...accounts,
      kills: this.#board.kills(),
      stalls,
      findings: findings.texts(),
      findingCount: findings.count,
      busy: busy.count,
      busyTexts: busy.texts(),
      survivorOps: this.#board.get(WORD.survivorOps),
      checked: this.#board.get(WORD.checked),
      hits: this.#board.get(WORD.hits),
      lateMsMax: this.#board.get(WORD.lateMsMax),
      notEnded: this.#notEnded,
    };
  }
}

async function hasEnded({ ended }: Hand): Promise<boolean> {
  const timer = new AbortController();
  const isEnd = await Promise.race([ended.then(() => true), pause(HEAP_END_MS_MAX, timer.signal).then(() => false)]);
  timer.abort();
  return isEnd;
}
