import { LockOutlined, UserOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Form, Input } from "antd";
import { useTranslation } from "react-i18next";

import { logIn } from "../api/calls";
import type { User } from "../api/types";
import { Entrance } from "./Entrance";
import { problemText } from "./problem_text";

interface Fields {
  username: string;
  password: string;
}

interface Props {
  ended: boolean; // the session before has ended by itself
  onUser: (user: User) => void;
}

export function Login({ ended, onUser }: Props) {
  const { t } = useTranslation();
  const { mutate, error, isPending } = useMutation({
    mutationFn: ({ username, password }: Fields) => logIn(username.trim(), password),
    onSuccess: onUser,
  });
  return (
    <Entrance title={t("login.title")} known={false}>
      <Form<Fields> layout="vertical" size="large" requiredMark={false} onFinish={mutate}>
        {ended && !error && <Alert className="gap-below" type="info" showIcon title={t("problem.unauthenticated")} />}
        {error && <Alert className="gap-below" type="error" showIcon role="alert" title={problemText(t, error)} />}
        <Form.Item
          name="username"
          label={t("login.username")}
          rules={[{ required: true, message: t("login.needUsername") }]}
        >
          <Input prefix={<UserOutlined aria-hidden />} autoComplete="username" autoFocus />
        </Form.Item>
        <Form.Item
          name="password"
          label={t("login.password")}
          rules={[{ required: true, message: t("login.needPassword") }]}
        >
          <Input.Password prefix={<LockOutlined aria-hidden />} autoComplete="current-password" />
        </Form.Item>
        <Button type="primary" htmlType="submit" block loading={isPending}>
          {t("login.submit")}
        </Button>
      </Form>
      <p className="hint">{t("login.firstTime")}</p>
    </Entrance>
  );
}
