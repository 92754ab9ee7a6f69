#!/usr/bin/perl
# Shows a mail as people see it: who, to whom, about what, and the plain text, decoded. For the demo;
# Debian and Ubuntu always have this much Perl.
use strict;
use warnings;

local $/;
my $mail = <>;
$mail =~ s/\r\n/\n/g;
my ($head, $body) = split /\n\n/, $mail, 2;
print "  | $_\n" for grep { /^(From|To|Subject|Auto-Submitted):/i } unfolded($head);
print "  |\n";
my $text = plain($head, $body // "") // "(no plain text)";
$text =~ s/\n{3,}/\n\n/g;
$text =~ s/\s+$//;
print "  | $_\n" for split /\n/, $text;

# The first plain text of a part or of the parts in it.
sub plain {
    my ($head, $body) = @_;
    my ($type) = map { /^Content-Type:\s*(.*)/i } unfolded($head);
    $type //= "text/plain";
    if ($type =~ /^multipart\/.*boundary="?([^";]+)"?/i) {
        for my $part (split /^--\Q$1\E(?:--)?[ \t]*\n/m, $body) {
            my ($h, $b) = split /\n\n/, $part, 2;
            my $found = defined $b ? plain($h, $b) : undef;
            return $found if defined $found && $part =~ /^Content-/im;
        }
        return;
    }
    return unless $type =~ /^text\/plain/i;
    my ($coding) = map { /^Content-Transfer-Encoding:\s*(\S+)/i } unfolded($head);
    return decoded(lc($coding // ""), $body);
}

sub decoded {
    my ($coding, $text) = @_;
    if ($coding eq "quoted-printable") {
        $text =~ s/=[ \t]*\n//g;
        $text =~ s/=([0-9A-Fa-f]{2})/chr hex $1/ge;
    }
    elsif ($coding eq "base64") {
        $text =~ tr{A-Za-z0-9+/}{}cd;
        $text =~ tr{A-Za-z0-9+/}{ -_};
        $text = join "", map { unpack "u", chr(32 + int(length($_) * 3 / 4)) . $_ } $text =~ /(.{1,60})/g;
    }
    return $text;
}

sub unfolded {
    my ($head) = @_;
    $head =~ s/\n[ \t]+/ /g;
    return split /\n/, $head;
}
