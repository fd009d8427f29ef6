// An order other than an unlock: given to each gateway that it concerns, and told honestly what became of it.

import { useMutation, useQueries } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { commandState, giveOrder, type OrderBody } from "../api/calls";
import { refusalOf } from "../events/event_text";
import { problemText } from "../frame/problem_text";
import { useFeed } from "../live/store";

const ENDED = ["Refused", "Expired", "Unknown", "Done"]; // the worst first: one of several gateways speaks for all

export interface Given {
  phase: "waiting" | "confirmed" | "failed";
  text: string;
}

export function useOrder(): { given: Given | null; give: (body: OrderBody) => void; clear: () => void } {
  const { t } = useTranslation();
  const told = useFeed((feed) => feed.commands);
  const sending = useMutation({ mutationFn: giveOrder });
  const commands = sending.data?.commands ?? [];
  const refusal = useFeed((feed) =>
    commands.map(({ command_id }) => refusalOf(feed.events, command_id, t)).find(Boolean),
  );
  const asked = useQueries({
    queries: commands.map(({ command_id }) => ({
      queryKey: ["command", command_id],
      queryFn: () => commandState(command_id),
      enabled: !ENDED.includes(told[command_id]?.state ?? ""),
      refetchInterval: ({ state }: { state: { data?: { state: string } | undefined } }) =>
        ENDED.includes(state.data?.state ?? "") ? (false as const) : 1000,
    })),
  });
  const states = commands.map(({ command_id }, index) => {
    const heard = told[command_id]?.state ?? "";
    return ENDED.includes(heard) ? heard : (asked[index]?.data?.state ?? heard);
  });
  const give = (body: OrderBody) => sending.mutate(body);
  const answer = (phase: Given["phase"], text: string) => ({ given: { phase, text }, give, clear: sending.reset });
  if (sending.isError) return answer("failed", t("command.failed", { why: problemText(t, sending.error) }));
  if (sending.isPending) return answer("waiting", t("order.sending"));
  if (commands.length === 0) return { given: null, give, clear: sending.reset };
  if (states.some((state) => !ENDED.includes(state))) return answer("waiting", t("order.waiting"));
  if (refusal) return answer("failed", t("command.failed", { why: refusal }));
  const worst = ENDED.find((word) => states.includes(word)) ?? "Unknown";
  return answer(worst === "Done" ? "confirmed" : "failed", t(`order.${worst}`));
}
