// The design system on one page, in both themes at once. Built into the preview only, never into the program.
import { mount } from "svelte";
import "../../src/parts/tokens.css";
import Design from "./Design.svelte";

const target = document.getElementById("app");
if (target) mount(Design, { target });
