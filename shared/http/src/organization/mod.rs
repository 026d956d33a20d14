//! An organization: its settings, members, keys, issuers and data map. Every change is in its audit log.

mod issuers;
mod keys;
mod map;
mod members;
mod settings;
mod teams;

use crate::{
    rooms::ReviewRooms,
    routes::{Routes, routes},
};

/// What review serves of it: the one function that may write decisions is the one that may say who takes them.
pub(crate) fn review() -> Routes<ReviewRooms> {
    routes!(
        settings::show_organization,
        settings::change_settings,
        members::show_caller,
        members::list_members,
        members::add_member,
        members::show_member,
        members::change_member,
        keys::list_keys,
        keys::create_key,
        keys::rotate_key,
        keys::revoke_key,
        keys::enroll_codes,
        issuers::list_issuers,
        issuers::set_issuer,
        issuers::remove_issuer,
        teams::list_teams,
        teams::add_team,
        teams::change_team,
        teams::remove_team,
        map::show_map,
        map::publish_map,
        map::preview_map,
        map::show_proposal,
        map::confirm_map,
        map::discard_map,
    )
}
