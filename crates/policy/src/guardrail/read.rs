//! Reading the text of a Guardrail: Cedar policies that forbid, each a rule with the scope it is looked up by.
//! It must never take a policy that allows, or one whose scope it does not understand for narrower than it is.

use cedar_policy::{
    ActionConstraint, Effect, EntityUid, Policy, PolicyId, PolicySet, PrincipalConstraint,
    ResourceConstraint, ValidationMode, Validator,
};
use miette::Diagnostic;
use prokura_domain::{GuardedTool, GuardrailFault, GuardrailId, Level};

use super::schema::schema;

/// The longest text of one Guardrail, in bytes.
const LONGEST: usize = 64 * 1024;
/// Policies in one Guardrail at most.
const MOST: usize = 64;
/// Annotations that mean something here.
const ANNOTATIONS: [&str; 5] = ["approval", "level", "reason", "id", "description"];

/// One policy of a Guardrail.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) guardrail: GuardrailId,
    pub(crate) name: String,
    pub(crate) policy: Policy,
    /// Why a person has to say yes; `None` forbids.
    pub(crate) approval: Option<String>,
    /// What that yes has to be given with at least.
    pub(crate) level: Level,
    /// What is told where it forbids.
    pub(crate) reason: Option<String>,
    pub(crate) scope: Scope,
    /// Whether what it says depends on the arguments.
    pub(crate) reads_arguments: bool,
}

/// Which Calls a rule can concern at all, as far as its head says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Scope {
    /// Only this Agent.
    pub(crate) agent: Option<String>,
    /// Only Calls to one of these.
    pub(crate) place: Place,
}

/// Where a rule can matter; the narrowest that its head says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Place {
    #[default]
    Anywhere,
    /// At this Server.
    Server(String),
    /// For these actions: `server/tool`, or a kind of target.
    Actions(Vec<String>),
}

/// Reads and checks a text against the tools there are.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn check(text: &str, tools: &[GuardedTool]) -> Result<(), Vec<GuardrailFault>> {
    let rules = read(&GuardrailId::from_text("new"), "new", text)?;
    // A rule that names its tools needs no others to be checked; an unknown name is a fault whatever else there is.
    let all = rules.iter().any(|rule| needs_all(&rule.policy));
    let wanted = |tool: &&GuardedTool| all || rules.iter().any(|rule| names(&rule.policy, tool));
    let tools: Vec<GuardedTool> = tools.iter().filter(wanted).cloned().collect();
    let whole = |message: String| vec![GuardrailFault { line: 0, column: 0, message, help: None }];
    let schema = schema(&tools).map_err(whole)?;
    let policies = PolicySet::from_policies(rules.iter().map(|rule| rule.policy.clone()));
    let policies = policies.map_err(|error| whole(error.to_string()))?;
    let outcome = Validator::new(schema).validate(&policies, ValidationMode::Strict);
    let faults: Vec<GuardrailFault> =
        outcome.validation_errors().map(|error| fault(text, error)).collect();
    if faults.is_empty() { Ok(()) } else { Err(sorted(faults)) }
}

/// Whether a policy can concern any tool, so that all of them matter for it.
fn needs_all(policy: &Policy) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(action) => !is_tool(&action),
        ActionConstraint::In(actions) => !actions.iter().all(is_tool),
    }
}

fn names(policy: &Policy, tool: &GuardedTool) -> bool {
    let action = super::schema::action(&tool.server, &tool.name);
    let is = |named: &EntityUid| named.id().unescaped() == action;
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(named) => is(&named),
        ActionConstraint::In(named) => named.iter().any(is),
    }
}

fn is_tool(action: &EntityUid) -> bool {
    action.id().unescaped().contains('/')
}

/// Reads a text without checking it against anything.
///
/// # Errors
/// Where it is no Cedar, or does something else than forbid.
pub(crate) fn read(
    id: &GuardrailId,
    name: &str,
    text: &str,
) -> Result<Vec<Rule>, Vec<GuardrailFault>> {
    let whole = |message: &str, help: &str| {
        let (message, help) = (message.to_owned(), Some(help.to_owned()));
        vec![GuardrailFault { line: 0, column: 0, message, help }]
    };
    if text.len() > LONGEST {
        return Err(whole("this is longer than anybody reads", "Make several guardrails of it."));
    }
    let parsed: PolicySet = text.parse().map_err(|errors: cedar_policy::ParseErrors| {
        sorted(errors.iter().map(|error| fault(text, error)).collect())
    })?;
    if parsed.num_of_templates() > 0 {
        return Err(whole("slots such as ?principal cannot be filled here", "Name who is meant."));
    }
    let count = parsed.num_of_policies();
    if count == 0 {
        return Err(whole(
            "there is no policy in it",
            "For example: forbid (principal, action, resource) when { principal.name == \"clerk\" };",
        ));
    }
    if count > MOST {
        return Err(whole("these are too many policies", "Make several guardrails of it."));
    }
    let faults: Vec<GuardrailFault> =
        parsed.policies().filter_map(|policy| misplaced(text, policy)).collect();
    if !faults.is_empty() {
        return Err(sorted(faults));
    }
    let rules = parsed.policies().enumerate().map(|(number, policy)| {
        let source = policy.to_cedar().unwrap_or_default();
        let told = |key: &str| policy.annotation(key).map(str::to_owned);
        Rule {
            guardrail: id.clone(),
            name: name.to_owned(),
            policy: policy.new_id(PolicyId::new(format!("{id}#{number}"))),
            approval: told("approval"),
            level: level(policy).unwrap_or_default(),
            reason: told("reason"),
            scope: scope(policy),
            reads_arguments: reads_arguments(&source),
        }
    });
    Ok(rules.collect())
}

/// What a policy must not be.
fn misplaced(text: &str, policy: &Policy) -> Option<GuardrailFault> {
    let unknown = policy.annotations().find(|(key, _)| !ANNOTATIONS.contains(key));
    let (message, help) = match (policy.effect(), unknown) {
        (Effect::Permit, _) => (
            "a guardrail can forbid or demand approval; it can never permit".to_owned(),
            "Write forbid, or @approval(\"why\") forbid, to be asked. What is allowed is said by grants.",
        ),
        (Effect::Forbid, Some((key, _))) => (
            format!("the annotation @{key} means nothing here"),
            "Use @approval(\"why\") to be asked, with @level(\"passphrase\") to be asked harder, or @reason(\"why\") to say why it is forbidden.",
        ),
        (Effect::Forbid, None) if policy.annotation("level").is_none() => return None,
        (Effect::Forbid, None) => match (level(policy), policy.annotation("approval")) {
            (Some(_), Some(_)) => return None,
            (Some(_), None) => (
                "@level says how a yes is given, and nobody is asked for one here".to_owned(),
                "Write @approval(\"why\") beside it.",
            ),
            (None, _) => (
                "this is no level".to_owned(),
                "Write @level(\"passphrase\") or @level(\"presence\").",
            ),
        },
    };
    let source = policy.to_cedar().unwrap_or_default();
    let (line, column) = text.find(&source).map_or((0, 0), |offset| place(text, offset));
    Some(GuardrailFault { line, column, message, help: Some(help.to_owned()) })
}

/// What a yes has to be given with, where the policy says so in words that are known.
fn level(policy: &Policy) -> Option<Level> {
    Level::from_text(policy.annotation("level")?)
}

fn scope(policy: &Policy) -> Scope {
    let id = |uid: &EntityUid| uid.id().unescaped().to_owned();
    let is = |uid: &EntityUid, kind: &str| uid.type_name().to_string() == kind;
    let agent = match policy.principal_constraint() {
        PrincipalConstraint::Eq(uid)
        | PrincipalConstraint::In(uid)
        | PrincipalConstraint::IsIn(_, uid)
            if is(&uid, "Agent") =>
        {
            Some(id(&uid))
        }
        PrincipalConstraint::Any
        | PrincipalConstraint::Is(_)
        | PrincipalConstraint::Eq(_)
        | PrincipalConstraint::In(_)
        | PrincipalConstraint::IsIn(..) => None,
    };
    let actions = match policy.action_constraint() {
        ActionConstraint::Any => Vec::new(),
        ActionConstraint::Eq(uid) => vec![id(&uid)],
        ActionConstraint::In(uids) => uids.iter().map(id).collect(),
    };
    let narrow = !actions.is_empty() && actions.iter().all(|action| action.contains('/'));
    let place = match policy.resource_constraint() {
        _ if narrow => Place::Actions(actions),
        ResourceConstraint::Eq(uid) if is(&uid, "Tool") => Place::Actions(vec![id(&uid)]),
        ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) if is(&uid, "Server") => {
            Place::Server(id(&uid))
        }
        ResourceConstraint::Any
        | ResourceConstraint::Is(_)
        | ResourceConstraint::Eq(_)
        | ResourceConstraint::In(_)
        | ResourceConstraint::IsIn(..) => Place::Anywhere,
    };
    Scope { agent, place }
}

/// Whether the arguments can matter. The words that stand for the rest of the context are harmless.
fn reads_arguments(source: &str) -> bool {
    let mut rest = source.to_owned();
    for harmless in ["context.account", "context.method", "context.now"] {
        rest = rest.replace(harmless, "");
    }
    rest.contains("context")
}

fn fault(text: &str, error: &dyn Diagnostic) -> GuardrailFault {
    let label = error.labels().and_then(|mut labels| labels.next());
    let (line, column) = label.map_or((0, 0), |label| place(text, label.offset()));
    let said = error.to_string();
    // Cedar names the policy; there is mostly one, and the place says which.
    let message = match said.strip_prefix("for policy `") {
        Some(rest) => rest.split_once("`, ").map_or(rest, |(_, rest)| rest).to_owned(),
        None => said,
    };
    GuardrailFault { line, column, message, help: error.help().map(|help| help.to_string()) }
}

/// Line and column of a byte, both from 1.
fn place(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

fn sorted(mut faults: Vec<GuardrailFault>) -> Vec<GuardrailFault> {
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults
}
