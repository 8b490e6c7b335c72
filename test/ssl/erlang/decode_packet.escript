#!/usr/bin/env escript
%%! -kernel standard_io_encoding latin1
%% erlang:decode_packet/3 for each line of standard input, `Type Hex`: one line of terms each, in the notation of
%% http-beside-erlang.test.ts.
main([]) ->
    io:setopts([binary, {encoding, latin1}]),
    loop().

loop() ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            [Type, Hex] = binary:split(string:trim(Line), <<" ">>),
            Result = erlang:decode_packet(binary_to_atom(Type), binary:decode_hex(Hex), []),
            io:put_chars([result(Result), $\n]),
            loop()
    end.

result({ok, Packet, Rest}) -> [term(Packet), $ , integer_to_list(byte_size(Rest))];
result({more, _}) -> "more";
result({error, _}) -> "error".

term(Atom) when is_atom(Atom) -> term(atom_to_list(Atom));
term(Number) when is_integer(Number) -> integer_to_list(Number);
term(Tuple) when is_tuple(Tuple) -> [${, lists:join($,, [term(Part) || Part <- tuple_to_list(Tuple)]), $}];
term(Text) when is_list(Text) -> [$s, binary:encode_hex(list_to_binary(Text))];
term(Bytes) when is_binary(Bytes) -> [$b, binary:encode_hex(Bytes)].
