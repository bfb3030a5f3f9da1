#!/usr/bin/perl
# Drives Net::EPP::Simple. Each line that comes in is one JSON document, and so is each that goes out.
#
# The first names what Net::EPP::Simple->new gets; every other a method of it and what that gets:
#   ["check_domain", "example.nz"]
# "poll_req", "poll_ack" and "update_contact_with" are ours: the module leaves these to its frames.
# An answer has the result code, the message, the module's error text, and what the method returned.

use strict;
use warnings;
use JSON::PP;
use Net::EPP::Simple;

$| = 1;
$SIG{__WARN__} = sub { };    # the module looks at values that are not there

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my %ours = (
    poll_req => sub {
        my ($epp) = @_;
        return answer_of($epp, Net::EPP::Frame::Command::Poll::Req->new);
    },
    poll_ack => sub {
        my ($epp, $id) = @_;
        my $frame = Net::EPP::Frame::Command::Poll::Ack->new;
        $frame->setMsgID($id);
        return answer_of($epp, $frame);
    },
    # update_contact, but for the empty parts that it sends, which RFC 5733 does not allow
    update_contact_with => sub {
        my ($epp, $changes) = @_;
        my $frame = $epp->_generate_update_contact_frame($changes);
        for my $part ($frame->add, $frame->rem) {
            $part->parentNode->removeChild($part) unless $part->hasChildNodes;
        }
        return answer_of($epp, $frame);
    },
);

my $settings = $json->decode(scalar <STDIN>);
my $epp = Net::EPP::Simple->new(load_config => 0, %$settings);
say_json(outcome($epp ? 1 : undef));
exit unless $epp;

while (my $line = <STDIN>) {
    my ($method, @arguments) = @{ $json->decode($line) };
    my $result = eval { $ours{$method} ? $ours{$method}->($epp, @arguments) : $epp->$method(@arguments) };
    say_json($@ ? { died => "$@" } : outcome($result));
}

# What the module leaves in its variables, and the result.
sub outcome {
    my ($result) = @_;
    return {
        code    => $Net::EPP::Simple::Code,
        message => $Net::EPP::Simple::Message,
        error   => $Net::EPP::Simple::Error,
        result  => $result,
    };
}

# The document of the response; its code and message go where the module's own methods leave them.
sub answer_of {
    my ($epp, $frame) = @_;
    my $response = $epp->request($frame);
    return undef unless $response;
    $Net::EPP::Simple::Code    = $epp->_get_response_code($response);
    $Net::EPP::Simple::Message = $epp->_get_message($response);
    return $response->toString;
}

sub say_json {
    print $json->encode($_[0]), "\n";
}
