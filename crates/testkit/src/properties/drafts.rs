use std::sync::Arc;

use understory_manage::Draft;
use understory_manage::change::check;

use super::generator::lawless;
use super::{Held, ensure, hold};
use crate::samples::model;

/// Whatever is edited, a draft refuses it or leaves a valid project.
pub fn edits_are_refused_or_valid(count: u32) -> Held {
    hold(count, 2, |case| {
        let base = Arc::new(case.base());
        let mut draft = Draft::new(model(), Arc::clone(&base));
        lawless(case, &mut draft);
        match draft.finish() {
            Ok(changes) => {
                let broken = check(&model(), &base.after(&changes));
                ensure(broken.is_empty(), || format!("accepted, but {broken:?}"))
            }
            Err(violations) => ensure(!violations.is_empty(), || "refused without a reason".into()),
        }
    })
}

/// Deleting any row leaves a valid project without it.
pub fn deletions_leave_a_valid_project(count: u32) -> Held {
    hold(count, 1, |case| {
        let base = Arc::new(case.base());
        let Some((entity, key)) = &case.row(&base) else { return Ok(()) };
        let mut draft = Draft::new(model(), Arc::clone(&base));
        ensure(draft.delete(entity, key), || format!("{entity} {key} was there"))?;
        let changes = draft.finish().map_err(|violations| format!("{violations:?}"))?;
        let after = base.after(&changes);
        let broken = check(&model(), &after);
        ensure(broken.is_empty() && after.get(entity, key).is_none(), || format!("{broken:?}"))
    })
}
