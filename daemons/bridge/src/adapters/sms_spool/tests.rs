use super::*;
use common::channel::Piece;
use uuid::Uuid;

fn with_piece<T>(to: &str, read: impl Fn(&Outgoing<'_>) -> T) -> T {
    let piece = Piece {
        text: "Terima kasih.".into(),
        number: 2,
        of: 3,
    };
    let id = Uuid::from_u128(0x0190_c6e7_a5b8_7c3d_9e1f_2a3b_4c5d_6e7f);
    read(&Outgoing {
        id,
        to,
        piece: &piece,
    })
}

#[test]
fn an_id_is_found_in_whatever_name_a_daemon_made_of_it() {
    let id = with_piece("+62812", piece_id);
    assert_eq!(id, "0190c6e7a5b87c3d9e1f2a3b4c5d6e7f-002");
    for name in [
        format!("kentongan.{id}"),
        format!("kentongan.{id}_Terima kasih"),
        format!("OUTC20261121_041005_00_+6281234567890_{id}.smsbackup"),
        format!("é{id}"),
    ] {
        assert_eq!(piece_in(&name), Some(id.as_str()), "{name}");
    }
    for name in [
        "",
        "kentongan.",
        "0190c6e7a5b87c3d9e1f2a3b4c5d6e7f",
        "send_AbCdEf",
    ] {
        assert_eq!(piece_in(name), None, "{name}");
    }
}

#[test]
fn addresses_that_are_no_numbers_reach_no_header_and_no_name() {
    assert_eq!(digits("+6281234567890"), Some("6281234567890"));
    assert_eq!(digits("3636"), Some("3636"));
    for to in [
        "",
        "+",
        "TELKOMSEL",
        "+62812\nFlash: yes",
        "+62/812",
        "++62",
    ] {
        assert_eq!(digits(to), None, "{to:?}");
    }
}

#[test]
fn pieces_of_one_text_share_a_reference() {
    let header = |n| with_piece("+62812", |out| join_header(out, n, 3));
    assert_eq!(header(1), Some([5, 0, 3, 0x7f, 3, 1]));
    assert_eq!(header(3), Some([5, 0, 3, 0x7f, 3, 3]));
    assert_eq!(with_piece("+62812", |out| join_header(out, 1, 1)), None);
}
