// Recorded answers about how yeses are given.
import type { AskingView } from "../src/generated/View";
import type { Scene } from "./data";

export const asking = (scene: Scene): AskingView => scene === "empty"
  ? { levels: [], passphrase_set: false, wait_seconds: 0, unable: "polkit does not run on this machine", notices: true, pause_keys: null }
  : {
    levels: [
      { scope: "class:destructive", words: "Every destructive tool", level: "passphrase", in_the_way: null },
      { scope: "tool:ledger/close_account", words: "close_account at ledger", level: "presence", in_the_way: "polkit does not know Prokura yet; install Prokura's package, or put packaging/linux/org.prokura.desktop.policy into /usr/share/polkit-1/actions" },
    ],
    passphrase_set: true, wait_seconds: 0, unable: "polkit does not know Prokura yet; install Prokura's package, or put packaging/linux/org.prokura.desktop.policy into /usr/share/polkit-1/actions", notices: true, pause_keys: "Ctrl+Alt+P",
  };
