import { describe, expect, test } from "vitest";

import { Deck, type Player } from "./deck";
import { isRecorded, nextRecorded, type Stretch } from "./scale";

class Fake implements Player {
  moment = 0;
  ready = true;
  readonly video = {
    paused: true,
    playbackRate: 1,
    seeking: false,
    play: () => {
      this.video.paused = false;
      return Promise.resolve();
    },
    pause: () => {
      this.video.paused = true;
    },
  };

  constructor(private readonly stretches: Stretch[]) {}
  has = (moment: number) => isRecorded(this.stretches, moment);
  next = (moment: number) => nextRecorded(this.stretches, moment);
  seek(moment: number) {
    this.moment = moment;
  }
  prepare() {
    // nothing to load
  }
  pump() {
    // nothing to load
  }
  beside = (step: 1 | -1) => this.moment + step * 80;
  run(ms: number) {
    if (!this.video.paused) this.moment += ms * this.video.playbackRate;
  }
}

function deckOf(...players: Fake[]): Deck {
  const deck = new Deck(0, () => 1e9);
  players.forEach((player, n) => deck.add(String(n), player));
  deck.toggle();
  return deck;
}

function run(deck: Deck, players: Fake[], ms: number): void {
  for (let t = 0; t < ms; t += 50) {
    deck.tick(50, t + 1);
    for (const player of players) player.run(50);
  }
}

describe("cameras in step", () => {
  test("two run at one speed and stay together", () => {
    const players = [new Fake([{ from: 0, to: 60_000 }]), new Fake([{ from: 0, to: 60_000 }])];
    const deck = deckOf(...players);
    deck.speed = 4;
    run(deck, players, 3000);
    expect(deck.at).toBeGreaterThan(10_000);
    expect(Math.abs((players[0]?.moment ?? 0) - (players[1]?.moment ?? 0))).toBeLessThan(100);
  });
  test("one that was set into a gap, where a seek never ends, joins the other after it", () => {
    const [whole, late] = [new Fake([{ from: 0, to: 60_000 }]), new Fake([{ from: 2000, to: 60_000 }])];
    const seek = late.seek.bind(late);
    late.seek = (moment) => {
      seek(moment);
      late.video.seeking = !late.has(moment);
      late.ready = late.has(moment);
    };
    const deck = deckOf(whole, late);
    run(deck, [whole, late], 3000);
    expect(late.video.seeking).toBe(false);
    expect(Math.abs(late.moment - deck.at)).toBeLessThan(400);
  });
  test("one that has a gap stands still while the other goes on, and joins it after", () => {
    const players = [
      new Fake([{ from: 0, to: 60_000 }]),
      new Fake([
        { from: 0, to: 1000 },
        { from: 3000, to: 60_000 },
      ]),
    ];
    const deck = deckOf(...players);
    run(deck, players, 2000);
    expect(players[1]?.video.paused).toBe(true);
    run(deck, players, 2500);
    expect(Math.abs((players[1]?.moment ?? 0) - deck.at)).toBeLessThan(400);
    expect(players[1]?.video.paused).toBe(false);
  });
  test("a gap of all is leapt over", () => {
    const gappy = new Fake([
      { from: 0, to: 1000 },
      { from: 500_000, to: 600_000 },
    ]);
    const deck = deckOf(gappy);
    run(deck, [gappy], 2000);
    expect(deck.at).toBeGreaterThan(500_000);
  });
  test("all wait for one camera's pictures, but not for ever", () => {
    const players = [new Fake([{ from: 0, to: 60_000 }]), new Fake([{ from: 0, to: 60_000 }])];
    const deck = deckOf(...players);
    if (players[1]) players[1].ready = false;
    run(deck, players, 3000);
    expect(deck.at).toBe(0);
    run(deck, players, 6000);
    expect(deck.at).toBeGreaterThan(500);
  });
  test("a step is one picture and stops", () => {
    const player = new Fake([{ from: 0, to: 60_000 }]);
    const deck = deckOf(player);
    deck.seek(1000);
    deck.step(1);
    expect([deck.playing, deck.at]).toEqual([false, 1080]);
    deck.step(-1);
    expect(deck.at).toBe(1000);
  });
  test("nobody looks into the future", () => {
    const deck = new Deck(0, () => 5000);
    deck.seek(9000);
    expect(deck.at).toBe(5000);
  });
});
