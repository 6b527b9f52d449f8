// What the first steps say, and in which order they come.
import { describe, expect, it } from "vitest";
import type { AgentView, GrantView, ProgramView, ServerView } from "../src/generated/View";
import { firstSteps, isFirstRun } from "../src/home/first";

const program = (state: string) => ({ name: "Codex", state }) as ProgramView;
const server = (state: string) => ({ name: "ledger", state }) as ServerView;
const agent = { name: "codex" } as AgentView;
const grant = {} as GrantView;
const next = (...of: Parameters<typeof firstSteps>) => firstSteps(...of).find((step) => !step.done)?.id;

describe("the first steps", () => {
  it("begin with a program that was found, else with a server", () => {
    expect(next([], [], [], [program("free")])).toBe("agent");
    expect(next([], [], [], [])).toBe("server");
    expect(next([], [], [], [program("unreadable")])).toBe("server");
  });

  it("lead over sign-in and restart to a grant", () => {
    const wired = [program("connected")];
    expect(next([server("sign_in_needed")], [], [], wired)).toBe("server");
    expect(firstSteps([server("sign_in_needed")], [], [], wired)[1]?.title).toBe("Sign in to ledger");
    expect(next([server("ready")], [], [], wired)).toBe("come");
    expect(next([server("ready")], [agent], [], wired)).toBe("grant");
    expect(next([server("ready")], [agent], [grant], wired)).toBeUndefined();
  });

  it("end once there is a server, an agent and a grant", () => {
    expect(isFirstRun([server("ready")], [agent], [grant])).toBe(false);
    expect(isFirstRun([server("ready")], [agent], [])).toBe(true);
  });
});
