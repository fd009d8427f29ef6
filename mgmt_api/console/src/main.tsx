import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { Problem } from "./api/http";
import { App } from "./frame/App";
import { preferences } from "./frame/preferences";
import "./style/base.css";
import "./style/board.css";
import "./style/doors.css";
import "./style/events.css";
import "./style/rights.css";
import "./style/playback.css";
import "./style/video.css";
import "./style/seeing.css";
import { startLanguages } from "./text/i18n";

startLanguages(preferences().language);

const queries = new QueryClient({
  defaultOptions: {
    // An answer that says no will not say yes a second later; silence may.
    queries: { retry: (count, error) => !(error instanceof Problem) && count < 3, refetchOnWindowFocus: false },
    // What a person orders goes now or fails now: kept until the network is back, it would open a door hours later.
    mutations: { retry: false, networkMode: "always" },
  },
});

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
