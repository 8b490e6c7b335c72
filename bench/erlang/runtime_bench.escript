#!/usr/bin/env escript
%% -*- erlang -*-
%%! +S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none
-mode(compile).
%% One round of the runtime bench in Erlang: prints "name value" lines, the release first. Rates are per second of
%% processor time. The argument is by how much less of each is to be done than in a full round.

-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

main([Less]) ->
    process_flag(trap_exit, true),
    put(less, list_to_integer(Less)),
    print(release, list_to_integer(erlang:system_info(otp_release))),
    %% A child's crash is logged; the other side logs to nowhere as well.
    logger:set_primary_config(level, none),
    rate(send_gen_server, 500000, fun send_gen_server/1),
    rate(cast_gen_server, 500000, fun cast_gen_server/1),
    rate(send_receive, 500000, fun send_receive/1),
    rate(call, 200000, fun call/1),
    rate(spawn_exit, 200000, fun spawn_exit/1),
    rate(supervised, 50000, fun supervised/1),
    rate(crash_restart, 10000, fun crash_restart/1),
    {ok, S} = gen_server:start(?MODULE, 0, []),
    gen_server:call(S, get),
    print(idle_gen_server, memory(S)),
    P = spawn(fun() -> receive stop -> ok end end),
    print(idle_async, memory(P)),
    chain(100000).

rate(Name, Full, Fun) ->
    N = Full div get(less),
    Fun(N div 10),
    Start = cpu(),
    Fun(N),
    Spent = cpu() - Start,
    print(Name, N * 1000000 / max(1, Spent)).

%% Microseconds of processor time of all threads, the kernel's share included, which statistics(runtime) leaves out:
%% the first field of their schedstat, in ns.
cpu() ->
    {ok, Threads} = file:list_dir("/proc/self/task"),
    lists:sum([thread_ns(Thread) || Thread <- Threads]) div 1000.

thread_ns(Thread) ->
    case file:read_file("/proc/self/task/" ++ Thread ++ "/schedstat") of
        {ok, Line} -> binary_to_integer(hd(binary:split(Line, <<" ">>)));
        {error, _} -> 0
    end.

memory(Pid) ->
    erlang:garbage_collect(Pid),
    timer:sleep(10),
    {memory, Bytes} = erlang:process_info(Pid, memory),
    Bytes.

print(Name, Value) -> io:format("~s ~w~n", [Name, Value]).

%% In batches, each awaited: a flooded mailbox costs Erlang a copy of it at every collection.
send_gen_server(N) ->
    {ok, S} = gen_server:start(?MODULE, 0, []),
    batches(N, fun() -> send_loop(S, {m, 1}, 1000), gen_server:call(S, get, infinity) end).

cast_gen_server(N) ->
    {ok, S} = gen_server:start(?MODULE, 0, []),
    batches(N, fun() -> cast_loop(S, 1000), gen_server:call(S, get, infinity) end).

send_receive(N) ->
    Self = self(),
    P = spawn_link(fun() -> receive_loop(Self) end),
    batches(N, fun() -> send_loop(P, {m, 1}, 1000), P ! sync, receive synced -> ok end end).

batches(N, _) when N =< 0 -> ok;
batches(N, Fun) -> Fun(), batches(N - 1000, Fun).

send_loop(_, _, 0) -> ok;
send_loop(P, M, N) -> P ! M, send_loop(P, M, N - 1).

cast_loop(_, 0) -> ok;
cast_loop(P, N) -> gen_server:cast(P, inc), cast_loop(P, N - 1).

receive_loop(Home) -> receive {m, _} -> receive_loop(Home); sync -> Home ! synced, receive_loop(Home) end.

call(N) ->
    {ok, S} = gen_server:start(?MODULE, 0, []),
    call_loop(S, N).

call_loop(_, 0) -> ok;
call_loop(S, N) -> gen_server:call(S, get), call_loop(S, N - 1).

spawn_exit(N) ->
    Self = self(),
    Body = fun() -> Self ! gone end,
    batches(N, fun() -> spawn_loop(Body, 1000), gone_loop(1000) end).

spawn_loop(_, 0) -> ok;
spawn_loop(F, N) -> spawn(F), spawn_loop(F, N - 1).

gone_loop(0) -> ok;
gone_loop(N) -> receive gone -> gone_loop(N - 1) end.

supervised(N) ->
    Self = self(),
    Child = fun() -> {ok, spawn_link(fun() -> Self ! gone end)} end,
    {ok, Sup} = supervisor:start_link(?MODULE, {simple_one_for_one, temporary, Child}),
    batches(N, fun() -> start_loop(Sup, 1000), gone_loop(1000) end),
    stop(Sup).

start_loop(_, 0) -> ok;
start_loop(Sup, N) -> {ok, _} = supervisor:start_child(Sup, []), start_loop(Sup, N - 1).

crash_restart(N) ->
    Self = self(),
    Child = fun() -> {ok, spawn_link(fun() -> Self ! {up, self()}, receive crash -> error(crash) end end)} end,
    {ok, Sup} = supervisor:start_link(?MODULE, {one_for_one, permanent, Child}),
    crash_loop(N),
    receive {up, _} -> ok end,
    stop(Sup).

crash_loop(0) -> ok;
crash_loop(N) -> receive {up, P} -> P ! crash end, crash_loop(N - 1).

stop(Sup) ->
    exit(Sup, shutdown),
    receive {'EXIT', Sup, _} -> ok end.

chain(N) ->
    Self = self(),
    First = spawn(fun() -> link_next(Self, N) end),
    receive {last, _} -> ok end,
    Ref = erlang:monitor(process, First),
    Last = receive {last_pid, P} -> P end,
    RefLast = erlang:monitor(process, Last),
    Start = erlang:monotonic_time(microsecond),
    exit(First, chain),
    receive {'DOWN', Ref, _, _, _} -> ok end,
    receive {'DOWN', RefLast, _, _, _} -> ok end,
    print(chain_ms, (erlang:monotonic_time(microsecond) - Start) / 1000).

link_next(Home, 1) -> Home ! {last, self()}, Home ! {last_pid, self()}, receive stop -> ok end;
link_next(Home, N) -> spawn_link(fun() -> link_next(Home, N - 1) end), receive stop -> ok end.

init({Strategy, Restart, Start}) ->
    {ok, {#{strategy => Strategy, intensity => 1000000, period => 1},
          [#{id => child, start => {erlang, apply, [Start, []]}, restart => Restart}]}};
init(State) -> {ok, State}.

handle_call(get, _From, State) -> {reply, State, State}.
handle_cast(inc, State) -> {noreply, State + 1}.
handle_info(_, State) -> {noreply, State + 1}.
