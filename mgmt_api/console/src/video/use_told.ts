// What the recorders and the event log say of a window of time, asked for in round pieces and kept fresh near the present.

import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { eventsWithin, timelines } from "../api/calls";
import type { Span } from "../api/types";
import type { Window } from "./scale";

const ROUND_MS = 600_000;
const FRESH_MS = 4000;
const MOST_EVENTS = 1000;

function rounded({ from, to }: Window): Span {
  const margin = Math.max(ROUND_MS, (to - from) / 4);
  const round = Math.max(ROUND_MS, 2 ** Math.floor(Math.log2((to - from) / 8)));
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    from: iso(Math.max(0, Math.floor((from - margin) / round) * round)),
    to: iso(Math.ceil((to + margin) / round) * round),
  };
}

const nearNow = ({ to }: Span) => Date.parse(to) > Date.now() - ROUND_MS;

export function useTimelines(window: Window) {
  const span = rounded(window);
  return useQuery({
    queryKey: ["timeline", span.from, span.to],
    queryFn: () => timelines(span),
    refetchInterval: nearNow(span) ? FRESH_MS : false,
    placeholderData: keepPreviousData,
  });
}

export function useEvents(window: Window) {
  const span = rounded(window);
  return useQuery({
    queryKey: ["events", span.from, span.to],
    queryFn: () => eventsWithin(span, MOST_EVENTS),
    refetchInterval: nearNow(span) ? FRESH_MS : false,
    placeholderData: keepPreviousData,
  }).data?.events;
}
