// The root: language and theme for antd, then login, forced password change or the board.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ConfigProvider } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import "dayjs/locale/zh-cn"; // the date picker's months and weekdays
import { useCallback, useState } from "react";

import { session } from "../api/calls";
import type { User } from "../api/types";

import { Login } from "./Login";
import { PasswordForm } from "./PasswordForm";
import { usePreferences } from "./preferences";
import { Shell } from "./Shell";
import { THEMES } from "./theme";

function Gate() {
  const queries = useQueryClient();
  const { data: user, isPending } = useQuery({
    queryKey: ["session"],
    queryFn: session,
    retry: true,
    retryDelay: 1000,
  });
  const [changing, setChanging] = useState(false);
  const refresh = useCallback(() => {
    setChanging(false);
    void queries.invalidateQueries({ queryKey: ["session"] });
  }, [queries]);
  const [lost, setLost] = useState(false); // the session may have ended by itself
  const sessionLost = useCallback(() => {
    setLost(true);
    refresh();
  }, [refresh]);
  const become = useCallback(
    (next: User | null) => {
      setLost(false);
      queries.setQueryData(["session"], next);
    },
    [queries],
  );

  if (isPending) return null;
  if (!user) return <Login ended={lost} onUser={become} />;
  if (user.must_change || changing) {
    return <PasswordForm user={user} onDone={refresh} onCancel={() => setChanging(false)} />;
  }
  return (
    <Shell
      user={user}
      onSessionLost={sessionLost}
      onLoggedOut={() => become(null)}
      onPassword={() => setChanging(true)}
    />
  );
}

export function App() {
  const { language, theme } = usePreferences();
  return (
    <ConfigProvider
      locale={language === "zh-CN" ? zhCN : enUS}
      theme={THEMES[theme]}
      wave={{ disabled: true }}
      button={{ autoInsertSpace: false }}
    >
      <Gate />
    </ConfigProvider>
  );
}
