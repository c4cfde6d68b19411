# %% [markdown]
# A half-right submission, as `medmeta demo` grades it: it shows each of the four states of a check.

# %% grade_id="soft_targets"
def soft_targets(logits, *, temperature):
    return torch.softmax(logits / temperature, dim=1)


# %% grade_id="distillation_loss"
def distillation_loss(student_logits, teacher_logits, labels, *, temperature, alpha):
    # The real slip of several public repositories: kl_div's default reduction.
    log_student = F.log_softmax(student_logits / temperature, dim=1)
    teacher = F.softmax(teacher_logits.detach() / temperature, dim=1)
    soft = temperature**2 * F.kl_div(log_student, teacher)
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, labels)


# %% grade_id="distillation_gradient"
def distillation_gradient(student_logits, teacher_logits, *, temperature):
    student = torch.softmax(student_logits / temperature, dim=1)
    return temperature * (student - teacher_probabilities) / len(student_logits)


# %% grade_id="bug_lines"
def bug_lines():
    return {
        "moving teacher": 2,
        "not a divergence": 4,
        "harmful labels": 5,
        "piling gradients": 8,
    }


# %% grade_id="label_weight"
def label_weight(labels):
    print("labels:", labels[:5])
    return 1 - labels.float().mean()


# %% grade_id="questions"
def questions():
    return {
        "student": "demo",
        "t_squared": "c",
        "batchmean": ...,
        "bug_report": "c",
        "dark_knowledge": {"a", "c"},
        "kl_facts": (True, True, 0),
        "protocol": "dfbaec",
        "stored_logits": (8, "d"),
    }
