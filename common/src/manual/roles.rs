//! Who may send what.

use crate::db::Tx;
use crate::db::people::bulk::{self, Permission, UserType};
use crate::db::people::groups::{self, Group};
use crate::{Failure, Result, load};

/// Permissions, user types and groups, either as shipped or as an installation has them.
#[derive(Debug, Clone)]
pub struct Roles {
    permissions: Vec<Permission>,
    types: Vec<UserType>,
    groups: Vec<Group>,
}

impl Roles {
    /// As shipped.
    ///
    /// # Errors
    /// Our own mistake in a shipped file.
    pub fn shipped() -> Result<Self> {
        let (permissions, types, groups) = load::roles_as_shipped().map_err(Failure::quarantine)?;
        Ok(Self {
            permissions,
            types,
            groups,
        })
    }

    /// As this installation has them: shipped ones in their order, its own behind them.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn installed(tx: &Tx<'_>) -> Result<Self> {
        let shipped = Self::shipped()?;
        let mut permissions = bulk::permissions(tx).await?;
        permissions.sort_by_key(|p| shipped.rank(&p.code));
        let place = |code: &str| shipped.types.iter().position(|t| t.code == code);
        let mut types = bulk::user_types(tx).await?;
        types.sort_by_key(|t| place(&t.code).unwrap_or(usize::MAX));
        let place = |code: &str| shipped.groups.iter().position(|g| g.code == code);
        let mut groups = groups::groups(tx).await?;
        groups.sort_by_key(|g| place(&g.code).unwrap_or(usize::MAX));
        Ok(Self {
            permissions,
            types,
            groups,
        })
    }

    /// Codes of all user types.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(|t| t.code.as_str())
    }

    /// Whether everybody has a permission.
    pub fn everybody(&self, permission: &str) -> bool {
        let given = |p: &Permission| p.code == permission && p.by_default;
        self.permissions.iter().any(given)
    }

    /// Whether people of a type have a permission.
    pub fn may(&self, kind: &str, permission: &str) -> bool {
        let given = |t: &UserType| t.code == kind && t.may.iter().any(|p| p == permission);
        self.everybody(permission) || self.types.iter().any(given)
    }

    /// Codes of the user types that have a permission.
    pub fn holders(&self, permission: &str) -> Vec<&str> {
        self.types()
            .filter(|kind| self.may(kind, permission))
            .collect()
    }

    /// All groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Codes of the groups that have a permission, whatever the user types of their people.
    pub fn groups_with(&self, permission: &str) -> Vec<&str> {
        let with = |g: &&Group| g.permissions.iter().any(|p| p == permission);
        let found = self.groups.iter().filter(with);
        found.map(|g| g.code.as_str()).collect()
    }

    /// Place of a permission in the list of permissions, which begins with what is used most.
    pub(super) fn rank(&self, permission: &str) -> usize {
        let place = self.permissions.iter().position(|p| p.code == permission);
        place.unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::TestHome;

    #[test]
    fn the_shipped_roles_say_who_may() {
        let roles = Roles::shipped().unwrap();
        assert!(roles.may("PLS", "can_send_u") && !roles.may("PLS", "can_send_r"));
        assert!(roles.everybody("can_send_ckl") && roles.may("POL", "can_send_ckl"));
        assert!(!roles.everybody("can_send_u"));
        let holders = roles.holders("can_send_vsk");
        assert!(
            holders.contains(&"POL") && !holders.contains(&"PLS"),
            "{holders:?}"
        );
        assert!(roles.rank("can_send_u") < roles.rank("can_send_h"));
        assert_eq!(roles.groups_with("can_send_pk"), ["PELSAPK"]);
    }

    #[tokio::test]
    async fn what_an_installation_changed_is_in_force() {
        let home = TestHome::new().await;
        let mut conn = home.db.client().await;
        let tx = conn.begin().await.unwrap();
        let own = "code,id,en,default\ncan_send_susu,melaporkan susu,report milk,no\n";
        load::permissions(&tx, own.as_bytes()).await.unwrap();
        let types = "code,id,en,receives,permissions\nPLS,pelapor desa,village reporter,yes,can_send_susu\n";
        load::user_types(&tx, types.as_bytes()).await.unwrap();
        let own = "code,id,en,permissions\nTIM,tim,team,can_send_susu\n";
        load::groups(&tx, own.as_bytes()).await.unwrap();
        let (here, shipped) = (
            Roles::installed(&tx).await.unwrap(),
            Roles::shipped().unwrap(),
        );
        assert!(here.may("PLS", "can_send_susu") && !here.may("PLS", "can_send_u"));
        assert!(here.may("VET", "can_send_u") && here.everybody("can_send_ckl"));
        assert!(here.types().eq(shipped.types()), "in the shipped order");
        let codes = |roles: &Roles| {
            let codes = roles.groups().iter().map(|g| g.code.clone());
            codes.collect::<Vec<_>>()
        };
        assert_eq!(codes(&here), [codes(&shipped), vec!["TIM".into()]].concat());
        assert_eq!(here.groups_with("can_send_susu"), ["TIM"]);
        assert_eq!(here.rank("can_send_u"), shipped.rank("can_send_u"));
        assert!(
            here.rank("can_send_susu") > here.rank("can_send_lok"),
            "behind all others"
        );
    }
}
