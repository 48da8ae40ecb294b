using System.Runtime.ExceptionServices;

namespace OnCache.Lab.Namespaces;

/// <summary>Work whose thread is changed for good by it (its namespace, its core) and so must not go back to a pool.</summary>
internal static class DedicatedThread
{
    /// <summary>Runs <paramref name="work"/> on a thread made for it and waits; its exception is rethrown here.</summary>
    public static T Run<T>(string name, Func<T> work)
    {
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                result = work();
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        })
        {
            IsBackground = true,
            Name = name,
        };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }
}
