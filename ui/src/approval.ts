import { mount } from "svelte";
import ApprovalWindow from "./approvals/ApprovalWindow.svelte";
import "./parts/tokens.css";

const target = document.getElementById("app");
if (target) mount(ApprovalWindow, { target });
