#!/usr/bin/env escript
%% -*- erlang -*-
%%! +S 1:1 +SDio 1 -kernel logger_level emergency
%% OTP's ssl under the same load as the other sides of the benchmark: client and server in one node, one scheduler.
%% Reads commands from standard input, one a line, and answers each with one number a line:
%%   handshake MS   full handshakes per second
%%   bulk SIZE MS   MB/s, server to client, sends of SIZE bytes
%%   rtt SIZE MS    round trips per second of SIZE bytes
%% Times are of processor time (statistics(runtime)), as on the other sides.
%% The arguments are the PEM files: certificate, key, CA; then suite and group.
-mode(compile).

main([Cert, Key, Ca, Suite, Group]) ->
    {ok, _} = application:ensure_all_started(ssl),
    Common = [binary, {versions, ['tlsv1.3']}, {ciphers, [ssl:str_to_suite(Suite)]},
              {supported_groups, [list_to_atom(Group)]}],
    {ok, Listen} = ssl:listen(0, [{certfile, Cert}, {keyfile, Key}, {ip, {127,0,0,1}}, {backlog, 512},
                                  {reuseaddr, true}, {nodelay, true}, {active, false} | Common]),
    {ok, {_, Port}} = ssl:sockname(Listen),
    Client = [{cacertfile, Ca}, {verify, verify_peer}, {server_name_indication, "localhost"}, {nodelay, true},
              {active, false} | Common],
    io:format("ready~n"),
    loop(Listen, Port, Client).

loop(Listen, Port, Client) ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            Result = run(string:lexemes(string:trim(Line), " "), Listen, Port, Client),
            io:format("~w~n", [Result]),
            loop(Listen, Port, Client)
    end.

run(["handshake", Ms], Listen, Port, Client) ->
    Server = spawn_link(fun() -> accept_loop(Listen) end),
    Stop = now_ms() + list_to_integer(Ms),
    {Count, Took} = handshakes(Port, Client, 0, now_us(), Stop),
    unlink(Server), exit(Server, kill),
    Count * 1.0e6 / Took;
run(["bulk", Size, Ms], Listen, Port, Client) ->
    {S, C} = pair(Listen, Port, Client),
    Chunk = binary:copy(<<"x">>, list_to_integer(Size)),
    Sender = spawn(fun() -> send_loop(S, Chunk) end),
    ok = ssl:controlling_process(S, Sender),
    ssl:setopts(C, [{active, true}]),
    Stop = now_ms() + list_to_integer(Ms),
    {Bytes, Took} = drain(C, 0, now_us(), Stop),
    exit(Sender, kill),
    ssl:close(C),
    Bytes / Took;
run(["rtt", Size, Ms], Listen, Port, Client) ->
    {S, C} = pair(Listen, Port, Client),
    N = list_to_integer(Size),
    Echo = spawn(fun() -> receive go -> echo(S) end end),
    ok = ssl:controlling_process(S, Echo),
    ok = ssl:setopts(S, [{active, true}]),
    Echo ! go,
    ok = ssl:setopts(C, [{active, true}]),
    Stop = now_ms() + list_to_integer(Ms),
    {Count, Took} = ping(C, binary:copy(<<"x">>, N), N, 0, now_us(), Stop),
    exit(Echo, kill),
    ssl:close(C),
    Count * 1.0e6 / Took.

accept_loop(Listen) ->
    {ok, T} = ssl:transport_accept(Listen),
    case ssl:handshake(T, 5000) of
        {ok, S} -> ssl:close(S);
        _ -> ok
    end,
    accept_loop(Listen).

handshakes(Port, Client, N, Start, Stop) ->
    {ok, S} = ssl:connect({127,0,0,1}, Port, Client, 5000),
    ssl:close(S),
    case now_ms() >= Stop of
        true -> {N + 1, now_us() - Start};
        false -> handshakes(Port, Client, N + 1, Start, Stop)
    end.

pair(Listen, Port, Client) ->
    Self = self(),
    spawn(fun() ->
        {ok, T} = ssl:transport_accept(Listen),
        {ok, S} = ssl:handshake(T, 5000),
        ok = ssl:controlling_process(S, Self),
        Self ! {server, S}
    end),
    {ok, C} = ssl:connect({127,0,0,1}, Port, Client, 5000),
    receive {server, S} -> {S, C} end.

send_loop(S, Chunk) ->
    case ssl:send(S, Chunk) of
        ok -> send_loop(S, Chunk);
        _ -> ok
    end.

drain(C, Bytes, Start, Stop) ->
    receive
        {ssl, C, Data} ->
            Sum = Bytes + byte_size(Data),
            case now_ms() >= Stop of
                true -> {Sum, now_us() - Start};
                false -> drain(C, Sum, Start, Stop)
            end
    end.

echo(S) ->
    receive
        {ssl, S, Data} -> ok = ssl:send(S, Data), echo(S);
        _ -> ok
    end.

ping(C, Data, N, Count, Start, Stop) ->
    ok = ssl:send(C, Data),
    back(C, N),
    case now_ms() >= Stop of
        true -> {Count + 1, now_us() - Start};
        false -> ping(C, Data, N, Count + 1, Start, Stop)
    end.

back(_, 0) -> ok;
back(C, N) -> receive {ssl, C, Data} -> back(C, N - byte_size(Data)) end.

now_ms() -> element(1, erlang:statistics(runtime)).
now_us() -> 1000 * now_ms().
